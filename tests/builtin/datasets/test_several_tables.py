"""A table a split, as in the layout of Hugging Face's image folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from imbalkit.builtin.datasets import TableDataset
from imbalkit.errors import DataError


def put(folder: Path, labels: dict[str, object], kind: str = "csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in labels:
        (folder / name).touch()
    frame = pd.DataFrame({"file_name": list(labels), "label": list(labels.values()), "age": range(len(labels))})
    file = folder / f"metadata.{kind}"
    if kind == "csv":
        frame.to_csv(file, index=False)
    elif kind == "parquet":
        frame.to_parquet(file)
    else:
        file.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))
    return file


def load(**parameters):
    return TableDataset.model_validate({"path_column": "file_name", **parameters}).load()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_a_split(tmp_path, kind):
    files = {
        "train": str(put(tmp_path / "train", {"1.png": "b", "2.png": "a"}, kind)),
        "val": str(put(tmp_path / "dev", {"1.png": "a"}, kind)),
        "Test": str(put(tmp_path / "test", {"1.png": "c"}, kind)),
    }
    table = load(file=files)
    assert table.classes == ("a", "b", "c")
    assert table.frame[["label", "split", "age"]].to_numpy().tolist() == [
        ["b", "train", 0], ["a", "train", 1], ["a", "validation", 0], ["c", "test", 0],
    ]  # fmt: skip
    assert table.frame["path"].tolist() == [
        os.path.join(tmp_path, *parts)
        for parts in [("train", "1.png"), ("train", "2.png"), ("dev", "1.png"), ("test", "1.png")]
    ]
    assert load(file=files, labels={"c": "z", "a": "y", "b": "y"}).classes == ("z", "y")  # as `labels` has them


def test_the_order_that_the_recipe_gives(tmp_path):
    files = {
        "train": str(put(tmp_path / "a", {"1.png": 1, "2.png": 0})),
        "test": str(put(tmp_path / "b", {"3.png": 0})),
    }
    assert load(file=files).classes == ("0", "1")
    assert load(file=files, labels={1: "one", 0: "none"}).classes == ("one", "none")


def test_several_tables_that_are_one(tmp_path):
    files = [str(put(tmp_path / name, {f"{name}.png": name})) for name in "ab"]
    table = load(file=files)
    assert table.classes == ("a", "b")
    assert "split" not in table.frame
    assert load(file={"train": files}).frame["split"].tolist() == ["train", "train"]


def test_what_is_wrong_is_said_with_the_file(tmp_path):
    files = {"train": str(put(tmp_path / "train", {"1.png": "a"})), "test": str(tmp_path / "test" / "metadata.csv")}
    with pytest.raises(DataError, match=r"there is no table at .*test.metadata\.csv"):
        load(file=files)
    put(tmp_path / "test", {"2.png": "a"})
    (tmp_path / "test" / "2.png").unlink()
    with pytest.raises(DataError, match=r"1 of 1 image files are not there(.|\n)*test.2\.png"):
        load(file=files)
    with pytest.raises(ValidationError, match="expected the splits train, .* as keys, got 'learn'"):
        load(file={"learn": "a.csv"})
    with pytest.raises(ValidationError, match="expected a file, got none"):
        load(file=[])


def test_notes_say_which_file_they_are_of(tmp_path):
    files = {"train": str(put(tmp_path / "train", {"1.png": "a"})), "test": str(put(tmp_path / "test", {"2.png": "b"}))}
    frame = pd.read_csv(files["train"])
    pd.concat([frame, frame]).to_csv(files["train"], index=False)
    pd.read_csv(files["train"]).assign(split=1).to_csv(files["train"], index=False)
    notes = load(file=files).all_notes
    assert f"{files['train']}: the table's column 'split' is kept as 'split_in_table'" in notes
    assert any(note.startswith("2 rows share their image file") for note in notes)  # of all files


def test_words_and_findings_may_be_in_one_of_the_files(tmp_path):
    labels = {"train": {"1.png": "A|B", "2.png": "A", "3.png": "?"}, "test": {"4.png": "B", "5.png": "C"}}
    files = {split: str(put(tmp_path / split, names)) for split, names in labels.items()}
    table = load(file=files, finding="A", label_separator="|", missing_labels=["?"])
    assert table.classes == ("other", "A")
    assert table.frame["label"].tolist() == ["A", "A", "other", "other"]
    assert table.removed[["label", "row", "file"]].to_numpy().tolist() == [["?", 3, files["train"]]]
    put(tmp_path / "test", {"4.png": "B", "5.png": "C"})
    (tmp_path / "test" / "4.png").unlink()
    os.link(tmp_path / "train" / "1.png", tmp_path / "test" / "4.png")  # one photograph in two tables
    assert len(set(load(file=files).frame["group"].dropna())) == 1


def test_a_folder_a_split(tmp_path):
    for split in ("train", "test"):
        put(tmp_path / split, {"1.png": "a", "2.png": "b"}).rename(tmp_path / f"{split}.csv")
    files = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")}
    roots = {"training": str(tmp_path / "train"), "test": str(tmp_path / "test")}
    paths = load(file=files, root=roots).frame["path"]
    assert [Path(path).relative_to(tmp_path).as_posix() for path in paths] == [
        "train/1.png", "train/2.png", "test/1.png", "test/2.png",
    ]  # fmt: skip
    with pytest.raises(DataError, match="`root` names folders by split: name the tables by split too"):
        load(file=files["train"], root=roots)
    with pytest.raises(DataError, match="leave out `split_column`"):
        load(file=files, root=roots, split_column="age")


def test_json_lines_are_checked(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"file_name": "1.png", "label": "007"}\n\n[1]\n')
    with pytest.raises(DataError, match=r"cannot be read as a table: expected an object .* in line 3, got \[1\]"):
        load(file=str(tmp_path / "a.jsonl"))
    (tmp_path / "a.jsonl").write_text('{"file_name": "1.png", "label": "007"}\n{"file_name"\n')
    with pytest.raises(DataError, match="line 2 is no JSON"):
        load(file=str(tmp_path / "a.jsonl"))
    (tmp_path / "a.jsonl").write_text('{"file_name": "1.png", "label": "007"}\n')
    assert load(file=str(tmp_path / "a.jsonl"), check_files=False).classes == ("007",)
