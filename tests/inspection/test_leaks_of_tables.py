"""`imbalkit leaks` of rows without images."""

from imbalkit.inspection.leaks import find_leaks
from imbalkit.recipe.prepare import prepare


def test_there_are_no_pictures_to_compare(tmp_path):
    rows = [f"{place % 7},{place},{'ab'[place % 2]}" for place in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    prepared = prepare({"data": {"name": "features", "file": str(tmp_path / "t.csv")}, "backbone": {"name": "mlp"}})
    found = {check.name: check for check in find_leaks(prepared.table, prepared.split)}
    assert found["picture"].not_made == "the data have no pictures"
    assert found["name"].not_made == "the data name no files"
    assert not found["content"].leaks
