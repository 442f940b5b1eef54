"""`imbalkit leaks` of rows without images."""

import json

import numpy as np
import pandas as pd
from click.testing import CliRunner

from imbalkit.cli.main import root
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


def test_rows_that_differ_in_a_column_that_no_network_is_given_are_copies(tmp_path):
    random = np.random.default_rng(3)
    once = pd.DataFrame(random.normal(size=(100, 2)), columns=["x", "y"]).assign(label=["a", "a", "a", "a", "b"] * 20)
    both = pd.concat([once, once], ignore_index=True)
    both.to_csv(tmp_path / "t.csv")  # with pandas' own numbers of the rows
    (tmp_path / "r.yaml").write_text(
        f"data: {{name: features, file: {tmp_path / 't.csv'}, label_column: label}}\nbackbone: mlp\n"
    )
    prepared = prepare(str(tmp_path / "r.yaml"))
    assert prepared.encoding.names == ("x", "y")
    test, train = (both.iloc[rows] for rows in (prepared.split.test, prepared.split.train))
    expected = len(test.reset_index().merge(train[["x", "y"]].drop_duplicates(), on=["x", "y"]))
    result = CliRunner().invoke(root, ["leaks", str(tmp_path / "r.yaml"), "--json"])
    assert result.exit_code == 1
    content = next(check for check in json.loads(result.stdout)["checks"] if check["check"] == "content")
    found = next(each for each in content["overlaps"] if (each["split"], each["against"]) == ("test", "train"))
    assert found["rows"] == expected > 0
