"""audit.html: what an audit found, with pictures, the most suspect first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from imbalkit.base.text import count, decimal, percent, plural
from imbalkit.errors import ImbalkitError
from imbalkit.report import page
from imbalkit.report.galleries import Shown, shown
from imbalkit.report.page import Section
from imbalkit.report.sections.summary import Card
from imbalkit.studies.audit import findings
from imbalkit_lite.files import write_text
from imbalkit_lite.images import decode
from imbalkit_lite.text import printable, printable_lines

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.studies.audit.result import Audit

MOST, MOST_LABELS, MOST_PAIRS, MOST_GROUPS = 48, 12, 12, 8  # rows of a section, labels, pairs and groups shown
MOST_OF_GROUP, MOST_ALONE, MOST_CELLS = 8, 24, 20
SIDE = 200  # px

Gallery = tuple[str, "list[Shown] | dict[str, list[Any]]"]  # a heading, and pictures, or header and rows of a table


def write_page(file: Path, found: Audit) -> None:
    """Write the page. Raises WriteError."""
    prepared = found.prepared
    folds = plural(prepared.recipe.split.folds or 0, "fold")
    meta = f"{plural(len(found.rows), 'row')} · {folds} · recipe {prepared.recipe.hash}"
    description = (
        f"Which labels are likely wrong, which {_things(found)} contradict each other, which stand alone. "
        "Nothing was changed."
    )
    text = page.render_page(
        f"Audit of {prepared.name}", description, meta, metadata.version("imbalkit"), list(_sections(found, file))
    )
    write_text(file, printable_lines(text))


def _things(found: Audit) -> str:
    return "pictures" if findings.has_pictures(found.prepared.table) else "rows"


def _sections(found: Audit, file: Path) -> Iterator[Section]:
    things = _things(found)
    yield _section("summary", "Summary", "Audit", cards=_cards(found), lines=_words(found, file))
    yield _section("labels", "Suspicious labels", "Audit", **_labels(found))
    if things == "pictures":
        yield _section("duplicates", "Near duplicates with different labels", "Audit", **_duplicates(found))
    yield _section("groups", "Groups with different labels", "Audit", **_groups(found))
    yield _section("outliers", f"{things.capitalize()} that stand alone", "Audit", **_outliers(found))
    if found.agreement:
        yield _section("loss-rank", "What loss_rank would drop", "Audit", **_loss_rank(found))
    lines = [f"{key.replace('_', ' ')}: {text}" for key, text in found.how.items()]
    lines += [
        "Probabilities of a row are from the fold whose network was not trained on it. Label issues are cleanlab's, by confident "
        "learning (Northcutt et al. 2021): prune by noise rate. Suspicion is 1 less the probability of the given label.",
        "A label that a network finds unlikely is wrong, or the row is hard, rare or poor. On hard data most flagged rows "
        "are hard and not wrong: a person who can read them decides, best without seeing the label first.",
    ]
    yield _section("method", "How it was made", "Audit", lines=lines)


def _section(key: str, title: str, group: str, **values: Any) -> Section:
    filled = {"cards": [], "lines": [], "header": [], "table": [], "galleries": [], **values}
    return Section(
        key, title, Markup(page.environment().get_template("audit.html").render(title=title, **filled)), group
    )


def _cards(found: Audit) -> list[Card]:
    rows = found.rows
    flagged = int(rows["label_issue"].sum())
    cards = [
        Card(
            "suspicious labels",
            count(flagged),
            percent(flagged / max(1, len(rows))),
            "of the rows, by out-of-fold probabilities",
        ),
    ]
    if "pictures" not in found.how:
        cards.append(
            Card("contradicting pairs", count(len(found.pairs)), "", "near-duplicate pictures with different labels")
        )
    if found.prepared.table.groups is not None:
        detail = "lesions, patients or files whose rows have different labels"
        cards.append(Card("mixed groups", count(len(found.groups)), "", detail))
    if found.agreement:
        both = int(found.agreement["both"])
        detail = f"of the same number; chance alone would give {decimal(found.agreement['by_chance'], 1)}"
        cards.append(Card("loss_rank agrees on", count(both), percent(both / max(1, flagged)), detail))
    return cards


def _words(found: Audit, file: Path) -> list[str]:
    written = printable((file.parent / "corrections.csv").as_posix())
    return [
        f"Look at the {_things(found)} below, then fill in `corrections.csv` beside this page: a class in `corrected_label`, or "
        "yes in `leave_out`. Rows with neither stay as they are. Then name the file in the recipe: "
        f"`data: {{..., corrections: {written}}}`.",
        "Correct training, validation and test alike, and by a rule that was there before: if only labels that a network "
        "disagrees with are looked at, metrics of that network on the corrected rows are flattering.",
    ]


def _labels(found: Audit) -> dict[str, Any]:
    rows = found.rows[found.rows["label_issue"]]
    if not len(rows):
        return {"lines": ["None was found."]}
    table: list[list[str]] = []
    galleries: list[Gallery] = []
    pairs = Counter(zip(rows["label"], rows["suggested"], strict=True))
    totals = Counter(found.rows["label"])
    for (label, suggested), number in pairs.most_common(MOST_CELLS):
        table.append([printable(label), printable(suggested), count(number), percent(number / totals[label])])
    each = max(MOST // MOST_LABELS, MOST // rows["label"].nunique(), 12 if rows["label"].nunique() <= 8 else 0)
    parts = list(rows.groupby("label", sort=False))[:MOST_LABELS]
    for label, part in parts:
        title = f"Labelled {printable(label)}: {plural(len(part), 'row')}"
        title += f", the {each} most suspect" if len(part) > each else ""
        galleries.append((title, _shown(found, part.head(each))))
    lines = [
        "The most suspect first, with how probable the label and another one are to networks that did not see the row in training"
        + (", and whether loss_rank would drop it too." if found.agreement else "."),
    ]
    if len(parts) < rows["label"].nunique() or len(pairs) > MOST_CELLS:
        lines.append(
            f"Shown are {len(parts)} of {plural(rows['label'].nunique(), 'label')} and {len(table)} of "
            f"{plural(len(pairs), 'pair')} of labels; all rows are in corrections.csv."
        )
    return {
        "lines": lines,
        "header": ["label", "more likely", "rows", "of that label"],
        "table": table,
        "galleries": galleries,
    }


def _duplicates(found: Audit) -> dict[str, Any]:
    if not len(found.pairs):
        why = found.how.get("pictures")
        return {"lines": [f"Not looked for: {why}." if why else "None was found."]}
    galleries: list[Gallery] = []
    for a, b, bits in found.pairs[:MOST_PAIRS]:
        rows = found.rows.set_index("sample", drop=False).reindex([a, b])
        galleries.append((f"Hashes differ in {plural(int(bits), 'bit')}", _shown(found, rows)))
    lines = [
        "Each pair is one photograph, saved or cut anew, as far as hash and phase correlation tell. One of the labels is wrong."
    ]
    if len(found.pairs) > MOST_PAIRS:
        lines.append(f"{MOST_PAIRS} of {count(len(found.pairs))} are shown; the others are in corrections.csv.")
    return {"lines": lines, "galleries": galleries}


def _groups(found: Audit) -> dict[str, Any]:
    if not found.groups:
        return {"lines": ["None." if found.prepared.table.groups is not None else "The data name no groups."]}
    galleries: list[Gallery] = []
    for samples in found.groups[:MOST_GROUPS]:
        rows = found.rows.set_index("sample", drop=False).reindex(samples[:MOST_OF_GROUP])
        name = found.prepared.table.frame["group"].iloc[int(samples[0])]
        title = f"{printable(name)}: {plural(len(samples), 'row')}"
        title += f", {MOST_OF_GROUP} of them" if len(samples) > MOST_OF_GROUP else ""
        galleries.append((title, _shown(found, rows.dropna(subset=["label"]))))
    lines = [
        f"{plural(len(found.groups), 'group')} with rows of different labels. Of a lesion or a file that is a "
        "contradiction; a patient may well have several lesions."
    ]
    if len(found.groups) > MOST_GROUPS:
        lines.append(f"The {MOST_GROUPS} largest are shown; the others are in corrections.csv.")
    return {"lines": lines, "galleries": galleries}


def _outliers(found: Audit) -> dict[str, Any]:
    rows = found.rows[found.rows["stands_alone"]].sort_values("outlier", ascending=False)
    what = "other cameras, rulers, or pictures" if _things(found) == "pictures" else "wrong units, slips, or rows"
    lines = [
        f"The {percent(findings.OUTLIERS, 0)} of rows farthest from their neighbours, {found.how['outliers']}: rare findings, "
        f"{what} that do not belong here."
    ]
    if len(rows) > MOST_ALONE:
        lines.append(f"The first {MOST_ALONE} of {count(len(rows))} are shown; the others are in corrections.csv.")
    return {"lines": lines, "galleries": [("", _shown(found, rows.head(MOST_ALONE), "outlier"))] if len(rows) else []}


def _loss_rank(found: Audit) -> dict[str, Any]:
    agreed, rows = found.agreement, found.rows
    flagged = int(agreed["both"] + agreed["first"])
    lines = [
        f"If it dropped as many rows as labels are suspicious ({count(flagged)}). {found.how['loss_rank']}.",
        f"Both name {count(int(agreed['both']))} rows; chance alone would give {decimal(agreed['by_chance'], 1)}. "
        "Loss of rows that were trained on knows them already: it falls for wrong labels too, as training goes on.",
    ]
    table = [
        ["both", count(int(agreed["both"]))],
        ["label issue alone", count(int(agreed["first"]))],
        ["loss_rank alone", count(int(agreed["second"]))],
    ]
    alone = rows[rows["loss_rank"] & ~rows["label_issue"]].sort_values("loss", ascending=False).head(16)
    return {
        "lines": lines,
        "header": ["named by", "rows"],
        "table": table,
        "galleries": [("Named by loss_rank alone, highest loss first", _shown(found, alone, "loss"))]
        if len(alone)
        else [],
    }


def _shown(found: Audit, rows: pd.DataFrame, by: str = "") -> list[Shown] | dict[str, list[Any]]:
    """Rows as pictures, or as a table where the data have none; `by`: a column of numbers that they are sorted by."""
    table, pictures, cells = found.prepared.table, [], []
    for row in rows.to_dict("records"):
        sample = int(row["sample"])
        label, probability = printable(row["label"]), percent(row["probability_of_label"])
        rather = (
            f"{printable(row['suggested'])} {percent(row['probability_of_suggested'])}" if row["label_issue"] else ""
        )
        number = f"{row[by]:.3g}" if by else ""
        named = bool(row.get("loss_rank")) and by != "loss"
        pixels = _pixels(found, sample)
        if pixels is None:
            cells.append(
                [
                    str(table.origins[sample]),
                    label,
                    probability,
                    rather or "-",
                    *([number] if by else []),
                    "yes" if named or by == "loss" else "no",
                ]
            )
            continue
        head = f"{by} {number}" if by else f"{label} {probability}"
        lines = (
            f"label {label} {probability}" if by else "",
            f"rather {rather}" if rather else "",
            "loss_rank would drop it" if named else "",
            printable(Path(findings.names(table, [sample])[0]).stem),
        )
        alt = f"Row {table.origins[sample]}, labelled {label}; " + "; ".join(filter(None, (head, *lines[:-1])))
        pictures.append(shown(pixels, alt, head, lines, side=SIDE))
    if pictures or not cells:
        return pictures
    header = ["row, from 0", "label", "probability", "more likely", *([by] if by else []), "loss_rank"]
    keep = slice(None) if found.agreement else slice(-1)  # without loss_rank its column says nothing
    return {"header": header[keep], "rows": [line[keep] for line in cells]}


def _pixels(found: Audit, sample: int) -> np.ndarray | None:
    """The picture as it is kept, uint8 [h, w, c]; None where there is none."""
    table, settings = found.prepared.table, found.prepared.recipe.images
    if table.arrays is not None:
        pixels = table.arrays[sample]
        return None if pixels.shape[-1] == 0 else pixels if pixels.ndim == 3 else pixels[..., None]
    try:
        return decode(str(table.frame["path"].iloc[sample]), settings.exif, settings.bits)
    except ImbalkitError:
        return None
