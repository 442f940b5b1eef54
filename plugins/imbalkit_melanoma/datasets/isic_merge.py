"""ISIC-2020 together with ISIC-2019."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from imbalkit.kinds import param
from imbalkit_melanoma.datasets.parameters import IsicDataset

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit_melanoma.datasets.table_files import TableFiles

BENIGN_2019 = ("NV", "BKL", "DF", "VASC")  # BCC and SCC are cancers, AK may become one

# YAML reads 2020 as a number.
Form = Annotated[
    Literal["paper", "2020", "both_years"], BeforeValidator(lambda value: str(value) if value == 2020 else value)
]


class IsicMerge(IsicDataset):
    """ISIC-2020 and ISIC-2019 merged, as in Gilal et al. 2023 or in forms without its shortcut from the year to the class.

    Classes: benign, melanoma. Groups are what patients and lesions link. Needs the tables of `isic_2020` and, unless the
    form is 2020, of `isic_2019`.
    """

    name = "isic_merge"

    form: Form = param(
        "paper",
        help="paper: ISIC-2020 and the melanomas of ISIC-2019 (32,542 benign, 5,106 melanomas). 2020: ISIC-2020 alone "
        "(32,542, 584). both_years: ISIC-2020 and the melanomas and benign images (NV, BKL, DF, VASC) of ISIC-2019 "
        "(48,533, 5,106)",
    )

    def rows(self, files: TableFiles) -> tuple[pd.DataFrame, list[str]]:
        import pandas as pd

        from imbalkit_melanoma.datasets.official import read_2019, read_2020

        rows, notes = [read_2020(files)], []
        if self.form != "2020":
            older = read_2019(files)
            benign = older["diagnosis"].isin(BENIGN_2019) & (self.form == "both_years")
            chosen = older["melanoma"] | benign
            rows.append(older[chosen])
            left = older["diagnosis"][~chosen].value_counts()
            codes = ", ".join(f"{count:,} {code}" for code, count in sorted(left.items()))
            notes.append(f"form {self.form}: {left.sum():,} images of ISIC-2019 are not part of it ({codes})")
        merged = pd.concat(rows, ignore_index=True)
        if self.form == "paper":
            melanomas = merged["year"][merged["melanoma"]]
            notes.append(
                f"every benign image is of 2020, {(melanomas == 2019).sum():,} of {len(melanomas):,} melanomas are of 2019: "
                "a model can predict the class from the year"
            )
        return merged.assign(label=merged["melanoma"].map({True: "melanoma", False: "benign"})), notes
