"""The official addresses and the licence."""

from imbalkit_melanoma.fetching.sources import SOURCES, choose_sources, licence_text

from tests.melanoma.fetching.stand_in import collection


def test_official_addresses():
    """Those that challenge.isic-archive.com/data and doi:10.7910/DVN/DBW86T link to."""
    merge = choose_sources(["merge", "isic_2019"])
    assert [source.name for source in merge] == ["isic_2019", "isic_2020"]
    bucket = "https://isic-challenge-data.s3.amazonaws.com"
    files = [file for source in merge for file in (*source.tables, *source.archives)]
    assert [file.address(None) for file in files] == [bucket + path for path in collection()]
    assert [file.address("http://here/x/") for file in files] == ["http://here/x" + path for path in collection()]
    for file in (*SOURCES["ham10000"].tables, *SOURCES["ham10000"].archives):
        assert file.address(None).startswith("https://dataverse.harvard.edu/api/access/datafile/")
    assert licence_text(choose_sources(["isic_2019", "ham10000"])).count("sdata.2018.161") == 1
