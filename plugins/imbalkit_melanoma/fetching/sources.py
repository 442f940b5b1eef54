"""The files to download: official addresses, licence and citations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BUCKET = "https://isic-challenge-data.s3.amazonaws.com"  # where challenge.isic-archive.com/data points
DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile"  # doi:10.7910/DVN/DBW86T

LICENCE = """\
Licence: Creative Commons Attribution-NonCommercial 4.0 (CC BY-NC 4.0). Not for commercial use; credit is due.
https://creativecommons.org/licenses/by-nc/4.0/legalcode"""


@dataclass(frozen=True)
class File:
    """One file of a source."""

    name: str  # official name; also its name on a mirror
    shelf: str  # its folder on a mirror
    url: str  # official address
    md5: str | None = None  # where the publisher states one
    columns: tuple[str, ...] = ()  # what a table's first line must name

    def address(self, mirror: str | None) -> str:
        """Where to get it: the official address, or its place on a mirror."""
        return f"{mirror.rstrip('/')}/{self.shelf}/{self.name}" if mirror else self.url


@dataclass(frozen=True)
class Source:
    """One data set."""

    name: str
    title: str
    tables: tuple[File, ...]  # the first one names every image
    archives: tuple[File, ...]
    key: str  # column of the first table with the images' names
    collection: int  # its number in the ISIC Archive, from `isic collection list`
    citations: tuple[str, ...]


def _challenge(year: str, name: str, *columns: str) -> File:
    return File(name, year, f"{BUCKET}/{year}/{name}", columns=columns)


_HAM = (
    "HAM10000: Tschandl P., Rosendahl C., Kittler H. The HAM10000 dataset, a large collection of multi-source "
    "dermatoscopic images of common pigmented skin lesions. Sci. Data 5, 180161 (2018). doi:10.1038/sdata.2018.161. "
    "(c) ViDIR Group, Department of Dermatology, Medical University of Vienna"
)

SOURCES = {
    source.name: source
    for source in (
        Source(
            "isic_2019",
            "ISIC 2019",
            tables=(
                _challenge("2019", "ISIC_2019_Training_GroundTruth.csv", "image", "MEL", "NV"),
                _challenge("2019", "ISIC_2019_Training_Metadata.csv", "image", "age_approx", "lesion_id", "sex"),
            ),
            archives=(_challenge("2019", "ISIC_2019_Training_Input.zip"),),
            key="image",
            collection=65,  # Challenge 2019: Training
            citations=(
                "BCN20000: Combalia M., Codella N. C. F., Rotemberg V., et al. BCN20000: Dermoscopic Lesions in the "
                "Wild (2019). arXiv:1908.02288. (c) Department of Dermatology, Hospital Clinic de Barcelona",
                _HAM,
                "MSK: Codella N. C. F., Gutman D., Celebi M. E., et al. Skin Lesion Analysis Toward Melanoma "
                "Detection: A Challenge at the 2017 ISBI, Hosted by ISIC (2017). arXiv:1710.05006. (c) Anonymous",
            ),
        ),
        Source(
            "isic_2020",
            "ISIC 2020",
            tables=(
                _challenge("2020", "ISIC_2020_Training_GroundTruth.csv", "image_name", "patient_id", "target"),
                _challenge("2020", "ISIC_2020_Training_Duplicates.csv", "image_name_1", "image_name_2"),
            ),
            archives=(_challenge("2020", "ISIC_2020_Training_JPEG.zip"),),
            key="image_name",
            collection=70,  # Challenge 2020: Training
            citations=(
                "SIIM-ISIC 2020 Challenge Dataset. International Skin Imaging Collaboration (2020). "
                "doi:10.34970/2020-ds01. Images from Hospital Clinic de Barcelona, Medical University of Vienna, "
                "Memorial Sloan Kettering Cancer Center, Melanoma Institute Australia, The University of Queensland, "
                "University of Athens Medical School",
                "Rotemberg V., Kurtansky N., Betz-Stablein B., et al. A patient-centric dataset of images and metadata "
                "for identifying melanomas using clinical context. Sci. Data 8, 34 (2021). "
                "doi:10.1038/s41597-021-00815-z",
            ),
        ),
        Source(
            "ham10000",
            "HAM10000",
            tables=(
                File(
                    "HAM10000_metadata.csv",
                    "ham10000",
                    f"{DATAVERSE}/4338392?format=original",
                    "8f85fb1aa29d80a2797247e434deb79d",
                    ("lesion_id", "image_id", "dx"),
                ),
            ),
            archives=(
                File(
                    "HAM10000_images_part_1.zip",
                    "ham10000",
                    f"{DATAVERSE}/3172585",
                    "4639bfa73ab251610530a97c898e6e46",
                ),
                File(
                    "HAM10000_images_part_2.zip",
                    "ham10000",
                    f"{DATAVERSE}/3172584",
                    "da43d6cc50f6613013be07e8986b384b",
                ),
            ),
            key="image_id",
            collection=212,  # HAM10000
            citations=(_HAM,),
        ),
    )
}


def choose_sources(names: Iterable[str]) -> tuple[Source, ...]:
    """The sources of some names, each once; `merge` is ISIC 2019 and 2020."""
    requested = [part for name in names for part in (("isic_2019", "isic_2020") if name == "merge" else (name,))]
    return tuple(SOURCES[name] for name in dict.fromkeys(requested))


def licence_text(sources: Iterable[Source]) -> str:
    """The licence and what to cite."""
    sources = tuple(sources)
    citations = dict.fromkeys(citation for source in sources for citation in source.citations)
    head = f"{', '.join(source.title for source in sources)}\n{LICENCE}\nPlease cite:"
    return "\n".join([head, *(f"- {citation}" for citation in citations), ""])
