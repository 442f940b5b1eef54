"""The data, as reporting guidelines ask for them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from imbalkit.base.text import count, part_text, percent, plural, sentence_list
from imbalkit.report.context import Report, is_informative
from imbalkit.report.statements import Statement, statement
from imbalkit_lite.text import printable

TEMPLATE = "statements.html"


def values(report: Report) -> dict[str, Any]:
    """Statements on the data."""
    return {"intro": "What the model was trained and tested on.", "statements": statements(report)}


def statements(report: Report) -> list[Statement]:
    """What is asked, with its answers."""
    ask = partial(statement, report)
    clear = "Data"
    return [
        ask("Source", *_source(report), field="source", clear=clear, tripod="5a", card="Training data"),
        ask("Population", field="population", clear=clear, tripod="5a, 6a, 6b", card="Factors"),
        ask("When they were collected", field="period", tripod="5b"),
        ask(
            "How images were taken" if report.run.has_images else "How values were measured",
            field="acquisition",
            clear=clear,
            tripod="9",
            card="Factors",
        ),
        *([ask("Artefacts in the images", field="artefacts", clear=clear)] if report.run.has_images else []),
        ask("Preparation before this run", field="preparation", clear=clear, tripod="7"),
        *(
            [ask("Images as the network sees them", _images(report), clear=clear, tripod="7, 9")]
            if report.run.has_images
            else []
        ),
        ask("Reference standard (labels)", field="reference_standard", clear="Technique", tripod="8a, 8b"),
        ask(
            "Demographic attributes",
            _attributes(report),
            field="attributes",
            clear=clear,
            tripod="14, 20b",
            card="Factors",
        ),
        ask("Classes and balance", _balance(report), clear=clear, tripod="13, 20"),
        ask("Training, validation and test", *_splits(report), clear=clear, tripod="12a, 21", card="Evaluation data"),
        ask("Groups (such as patients)", _groups(report), clear=clear, tripod="12d"),
        ask("Exclusions", *_left_out(report), tripod="6b, 11"),
        ask("Sample size", field="sample_size", clear=clear, tripod="10"),
        ask("Ethics and consent", field="ethics", tripod="17", card="Ethical considerations"),
        ask("Terms of use", field="licence", tripod="18e"),
    ]


def _source(report: Report) -> list[str]:
    data = report.part("data")
    texts = [f"Read by {part_text({key: value for key, value in data.items() if key != 'how_to_get'})}."]
    if data.get("how_to_get"):
        texts.insert(0, str(data["how_to_get"]))
    return texts + [
        f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}"
        for note in report.run.facts.get("data_notes", [])
    ]


def _images(report: Report) -> str:
    shape = report.run.facts.get("image_shape")
    settings = report.run.recipe.get("images", {})
    if not shape:
        return ""
    height, width, channels = shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    fitted, scaled = settings.get("resize", "stretch"), settings.get("interpolation", "bilinear")
    return f"{height} × {width} px, {kind}; resized by {fitted} with {scaled} interpolation; the network normalises."


def _attributes(report: Report) -> str:
    frame = report.run.split_rows().frame
    columns = [name for name in map(str, frame) if name.startswith("metadata_") and is_informative(frame[name])]
    columns = [name.removeprefix("metadata_") for name in columns]
    if not columns:
        return ""
    texts = [f"{name} ({percent(frame[f'metadata_{name}'].isna().mean(), 0)} missing)" for name in columns[:12]]
    return f"The test rows have {sentence_list(texts)}{' and others' if len(columns) > 12 else ''}."


def _balance(report: Report) -> str:
    counts = {
        name: found for name, found in _counts(report).items() if name != "training" or not report.run.out_of_fold
    }
    total = sum(map(sum, counts.values()))
    each = [sum(of_split[code] for of_split in counts.values()) for code in range(len(report.classes))]
    texts = [f"{name}: {count(n)} ({percent(n / total)})" for name, n in zip(report.classes, each, strict=True)]
    return f"{plural(total, 'sample')}. " + ("; ".join(texts) + "." if len(texts) <= 12 else f"{len(texts)} classes.")


def _counts(report: Report) -> dict[str, list[int]]:
    """Rows of each class in each split, before any sampler."""
    run = report.run
    found = {"training": list(run.metrics["class_counts"][0]["counts"])}
    for name in ("validation", "test"):
        found[name] = np.bincount(run.split_rows(name).labels, minlength=len(report.classes)).tolist()
    return found


def _splits(report: Report) -> list[str]:
    run, split = report.run, report.run.recipe.get("split", {})
    texts = [f"{plural(sum(counts), 'row')} for {name}" for name, counts in _counts(report).items() if sum(counts)]
    if run.out_of_fold:
        held = plural(len(run.split_rows("validation")), "row")
        texts = [f"{held}, each predicted by the members that were not trained on it"]
    if split.get("column"):
        how = f"as the column {split['column']} of the data says"
    elif split.get("folds") and split.get("fold") is None:
        how = f"each of {split['folds']} members has another fold as its test, seed {run.facts.get('split_seed')}"
    elif split.get("folds"):
        how = f"fold {split.get('fold')} of {split['folds']}, seed {run.facts.get('split_seed')}"
    else:
        how = f"sampled with seed {run.facts.get('split_seed')}"
    return [
        f"{sentence_list(texts)[:1].upper()}{sentence_list(texts)[1:]}; {how}.",
        "All splits are of the same data: this is no external validation.",
    ]


def _groups(report: Report) -> str:
    test = report.run.split_rows()
    column = report.run.recipe["data"].get("group_column")
    if test.groups is None or not test.names_groups:
        units = "each image file" if test.grouped else "each row"
        return f"The data name no groups; {units} counts as independent, which is unverified."
    apart = report.run.recipe.get("split", {}).get("group", True)
    where = "each group is in one split only" if apart is not False else "a group may be in several splits"
    named = f" ({column})" if column else ""
    return f"Groups{named}: {where}; {plural(len(np.unique(test.groups)), 'group')} in {plural(len(test), 'test row')}."


def _left_out(report: Report) -> list[str]:
    found = []
    if report.prepared is not None:
        for reason, counts in report.prepared.table.removed_counts().items():
            texts = ", ".join(f"{printable(name)}: {count(n)}" for name, n in counts.items())
            found.append(f"Left out by {reason}: {plural(sum(counts.values()), 'sample')} ({texts}).")
    bad = report.run.metrics.get("bad_images", [])
    found += [
        f"Left out, cannot be read: {image['path'].rpartition('/')[2]} ({image['reason']})." for image in bad[:10]
    ]
    if len(bad) > 10:
        found.append(f"And {len(bad) - 10} more that cannot be read.")
    return found or ["None, as far as the run knows."]
