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

MOST, MOST_PAIRS, MOST_GROUPS = 48, 12, 8  # pictures of a gallery, pairs and groups shown
SIDE = 200  # px


def write_page(file: Path, found: Audit) -> None:
    """Write the page. Raises WriteError."""
    prepared = found.prepared
    folds = plural(prepared.recipe.split.folds or 0, "fold")
    meta = f"{plural(len(found.rows), 'row')} · {folds} · recipe {prepared.recipe.hash}"
    description = (
        "Which labels are likely wrong, which pictures contradict each other, which stand alone. Nothing was changed."
    )
    text = page.render_page(
        f"Audit of {prepared.name}", description, meta, metadata.version("imbalkit"), list(_sections(found))
    )
    write_text(file, printable_lines(text))


def _sections(found: Audit) -> Iterator[Section]:
    yield _section("summary", "Summary", "Audit", cards=_cards(found), lines=_words(found))
    yield _section("labels", "Suspicious labels", "Audit", **_labels(found))
    yield _section("duplicates", "Near duplicates with different labels", "Audit", **_duplicates(found))
    yield _section("groups", "Groups with different labels", "Audit", **_groups(found))
    yield _section("outliers", "Pictures that stand alone", "Audit", **_outliers(found))
    if found.agreement:
        yield _section("loss-rank", "What loss_rank would drop", "Audit", **_loss_rank(found))
    lines = [f"{key.replace('_', ' ')}: {text}" for key, text in found.how.items()]
    lines += [
        "Probabilities of a row are from the fold whose network was not trained on it. Label issues are cleanlab's, by confident "
        "learning (Northcutt et al. 2021): prune by noise rate. Suspicion is 1 less the probability of the given label.",
        "A label that a network finds unlikely is wrong, or the picture is hard, rare or poor. On hard data most flagged rows "
        "are hard and not wrong: a person who can read the picture decides, best without seeing the label first.",
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
        Card("contradicting pairs", count(len(found.pairs)), "", "near-duplicate pictures with different labels"),
        Card(
            "mixed groups", count(len(found.groups)), "", "lesions, patients or files whose rows have different labels"
        ),
    ]
    if found.agreement:
        both = int(found.agreement["both"])
        detail = f"of the same number; chance alone would give {decimal(found.agreement['by_chance'])}"
        cards.append(Card("loss_rank agrees on", count(both), percent(both / max(1, flagged)), detail))
    return cards


def _words(found: Audit) -> list[str]:
    return [
        "Look at the pictures below, then fill in `corrections.csv` beside this page: a class in `corrected_label`, or yes in "
        "`leave_out`. Rows with neither stay as they are. Then name the file in the recipe: "
        "`data: {..., corrections: corrections.csv}`.",
        "Correct training, validation and test alike, and by a rule that was there before: if only labels that a network "
        "disagrees with are looked at, metrics of that network on the corrected rows are flattering.",
    ]


def _labels(found: Audit) -> dict[str, Any]:
    rows = found.rows[found.rows["label_issue"]]
    table, galleries = [], []
    pairs = Counter(zip(rows["label"], rows["suggested"], strict=True))
    totals = Counter(found.rows["label"])
    for (label, suggested), number in pairs.most_common(20):
        table.append([printable(label), printable(suggested), count(number), percent(number / totals[label])])
    each = max(12, MOST // max(1, rows["label"].nunique()))
    for label, part in rows.groupby("label", sort=False):
        title = f"Labelled {printable(label)}: {plural(len(part), 'row')}" + (
            f", the {each} most suspect" if len(part) > each else ""
        )
        galleries.append((title, _pictures(found, part.head(each))))
    lines = [
        "The most suspect first. Below each picture: how probable its label is to networks that did not see it in training."
    ]
    if not len(rows):
        lines = ["None was found."]
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
    galleries = []
    for a, b, bits in found.pairs[:MOST_PAIRS]:
        rows = found.rows.set_index("sample", drop=False).reindex([a, b])
        galleries.append((f"Hashes differ in {plural(int(bits), 'bit')}", _pictures(found, rows)))
    lines = [
        "Each pair is one photograph, saved or cut anew, as far as hash and phase correlation tell. One of the labels is wrong."
    ]
    if len(found.pairs) > MOST_PAIRS:
        lines.append(f"{MOST_PAIRS} of {count(len(found.pairs))} are shown; the others are in corrections.csv.")
    return {"lines": lines, "galleries": galleries}


def _groups(found: Audit) -> dict[str, Any]:
    if not found.groups:
        return {"lines": ["None." if found.prepared.table.groups is not None else "The data name no groups."]}
    galleries = []
    for samples in found.groups[:MOST_GROUPS]:
        rows = found.rows.set_index("sample", drop=False).reindex(samples[:8])
        name = found.prepared.table.frame["group"].iloc[int(samples[0])]
        galleries.append(
            (f"{printable(name)}: {plural(len(samples), 'row')}", _pictures(found, rows.dropna(subset=["label"])))
        )
    lines = [
        f"{plural(len(found.groups), 'group')} with rows of different labels. Of a lesion or a file that is a "
        "contradiction; a patient may well have several lesions."
    ]
    return {"lines": lines, "galleries": galleries}


def _outliers(found: Audit) -> dict[str, Any]:
    rows = found.rows[found.rows["stands_alone"]].sort_values("outlier", ascending=False).head(24)
    lines = [
        f"The {percent(findings.OUTLIERS, 0)} of rows farthest from their neighbours, {found.how['outliers']}: rare findings, "
        "other cameras, rulers, or pictures that do not belong here."
    ]
    return {"lines": lines, "galleries": [("", _pictures(found, rows, "outlier"))]}


def _loss_rank(found: Audit) -> dict[str, Any]:
    agreed, rows = found.agreement, found.rows
    flagged = int(agreed["both"] + agreed["first"])
    lines = [
        f"If it dropped as many rows as labels are suspicious ({count(flagged)}). {found.how['loss_rank']}.",
        f"Both name {count(int(agreed['both']))} rows; chance alone would give {decimal(agreed['by_chance'])}. Loss of rows that "
        "were trained on knows them already: it falls for wrong labels too, as training goes on.",
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
        "galleries": [("Named by loss_rank alone, highest loss first", _pictures(found, alone, "loss"))]
        if len(alone)
        else [],
    }


def _pictures(found: Audit, rows: pd.DataFrame, by: str = "") -> list[Shown]:
    table, pictures = found.prepared.table, []
    for row in rows.to_dict("records"):
        sample = int(row["sample"])
        origin = table.origins[sample]
        probability = f"{percent(row['probability_of_label'])}"
        head = f"{by} {row[by]:.3g}" if by else f"{printable(row['label'])} {probability}"
        lines = [
            f"label {printable(row['label'])} {probability}" if by else "",
            f"rather {printable(row['suggested'])} {percent(row['probability_of_suggested'])}"
            if row["label_issue"]
            else "",
            Path(findings.names(table, [sample])[0]).stem,
        ]
        pixels = _pixels(found, sample)
        if pixels is not None:
            alt = f"Row {origin}, labelled {printable(row['label'])}; {head}"
            pictures.append(shown(pixels, alt, head, tuple(map(printable, lines)), side=SIDE))
        else:
            pictures.append(Shown("", f"row {origin}", head, tuple(printable(line) for line in lines if line)))
    return pictures


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
