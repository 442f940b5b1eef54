"""Rows of predictions: their order, columns and errors, with a model whose answers are known."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from imbalkit_lite import predicting
from imbalkit_lite.images import ImageRule
from imbalkit_lite.inputs import TableOfPaths, find_inputs
from imbalkit_lite.predicting import predict_rows
from imbalkit_lite.predictor import BatchPrediction
from imbalkit_lite.rows import RowMaker, columns_of, write_csv, write_json, write_text


class Brightness:
    """P("light") is the mean grey level; undecided from 0.4 to 0.6."""

    classes, positive, rule, channels = ("dark", "light"), 1, ImageRule((4, 4)), 1
    encoding = None

    def __init__(self, batch_size: int = 3):
        self.batch_size, self.batches = batch_size, []

    def predict(self, pixels: np.ndarray) -> BatchPrediction:
        assert pixels.shape[1:] == (4, 4, 1)
        self.batches.append(len(pixels))
        light = pixels.mean((1, 2, 3)) / 255
        return BatchPrediction(
            np.stack([1 - light, light], 1), (light >= 0.5).astype(int), (light >= 0.4) & (light < 0.6)
        )


@pytest.fixture
def greys(tmp_path, monkeypatch):
    """000.png ... 250.png of these grey levels, bad.png and a table of some."""
    monkeypatch.chdir(tmp_path)
    for level in range(0, 251, 25):
        Image.fromarray(np.full((5, 6, 3), level, dtype=np.uint8)).save(f"{level:03}.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    return tmp_path


def test_a_row_for_each_image_in_order(greys):
    model = Brightness()
    names = ["200.png", "bad.png", "025.png", "gone.png", "125.png"]
    rows = list(predict_rows(find_inputs(names), model))
    assert [row["path"] for row in rows] == names
    assert [row["decision"] for row in rows] == ["light", None, "dark", None, "dark"]
    assert [row["abstained"] for row in rows] == [False, None, False, None, True]
    assert rows[1]["error"] == "not an image that Pillow can read"
    assert rows[3]["error"] == "there is no such file"
    assert rows[0]["error"] is None
    assert rows[0]["probability_light"] == pytest.approx(200 / 255)
    assert rows[0]["probability_dark"] == pytest.approx(55 / 255)
    assert rows[1]["probability_light"] is None
    assert all(list(row) == columns_of(model.classes) for row in rows)
    assert sum(model.batches) == 3


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_batches_change_nothing(greys, batch_size):
    names = [f"{level:03}.png" for level in range(0, 251, 25)] * 3 + ["bad.png"]
    seen = []
    rows = list(
        predict_rows(find_inputs(names), Brightness(batch_size), lambda done, total: seen.append((done, total)))
    )
    assert rows == list(predict_rows(find_inputs(names), Brightness()))
    assert seen[-1] == (34, 34)
    assert [done for done, _ in seen] == [*range(batch_size, 34, batch_size), 34]


def test_unreadable_files_are_not_predicted(greys):
    model = Brightness()
    rows = list(predict_rows(find_inputs(["bad.png", "gone.png"]), model))
    assert [row["error"] for row in rows] == ["not an image that Pillow can read", "there is no such file"]
    assert model.batches == []


def test_columns_of_a_table_stay_beside_the_answers(greys):
    header = ("path", "age", "decision", "decision_in_table", "error")
    table = TableOfPaths(header, [("000.png", 40, "x", "y", "z"), (None, 50, None, None, None)])
    first, second = predict_rows(table, Brightness())
    expected = [
        *("path", "decision", "abstained", "probability_dark", "probability_light", "error"),
        *("age", "decision_in_table_in_table", "decision_in_table", "error_in_table"),
    ]
    assert list(first) == list(second) == columns_of(("dark", "light"), header[1:]) == expected
    assert (first["age"], first["decision"], first["decision_in_table_in_table"]) == (40, "dark", "x")
    assert (first["decision_in_table"], first["error_in_table"], first["error"]) == ("y", "z", None)
    assert (second["path"], second["error"], second["age"]) == ("", "the table has no path in this row", 50)


def test_every_column_has_a_name_of_its_own():
    extra = ("probability_x", "probability_x_in_table", "path", "path_in_table", "n")
    columns = columns_of(("x", "x_in_table"), extra)
    assert len(set(columns)) == len(columns) == 6 + len(extra)
    assert columns[-1] == "n"


def test_images_are_read_a_little_ahead_and_no_more(greys, monkeypatch):
    """Memory does not grow with the number of files, and rows leave before all are read."""
    read, lock, before = [], threading.Lock(), set(threading.enumerate())
    real = predicting.read_pixels

    def counted(*arguments):
        with lock:
            read.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(predicting, "read_pixels", counted)
    rows = predict_rows(find_inputs(["100.png"] * 500), Brightness(4))
    for taken in range(1, 41):
        next(rows)
        time.sleep(0.001)
        assert len(read) <= taken + 4 + 2 * 4 + predicting.WORKERS
    assert len(read) > 40
    rows.close()
    own = [each for each in set(threading.enumerate()) - before if each.name.startswith("imbalkit-decode")]
    assert not own
    assert len(read) < 100


def test_a_model_that_fails_ends_the_rows(greys):
    class Broken(Brightness):
        def predict(self, pixels):
            raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        list(predict_rows(find_inputs(["100.png"] * 9), Broken()))


# --- how rows are written -------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(greys):
    table = TableOfPaths(("path", "note"), [("000.png", 'a, "b"\nc'), ("125.png", None), ("bad.png", "ä")])
    return list(predict_rows(table, Brightness())), columns_of(("dark", "light"), ("note",))


def test_csv(rows):
    rows, columns = rows
    stream = io.StringIO()
    assert list(write_csv(rows, columns, stream)) == rows
    header, *lines = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert header == columns
    assert lines == [
        ["000.png", "dark", "False", "1.0", "0.0", "", 'a, "b"\nc'],
        ["125.png", "dark", "True", str(1 - 125 / 255), str(125 / 255), "", ""],
        ["bad.png", "", "", "", "", "not an image that Pillow can read", "ä"],
    ]


def test_json(rows):
    rows, columns = rows
    stream = io.StringIO()
    assert list(write_json(rows, columns, stream)) == rows
    lines = stream.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert "ä" in lines[2]


def test_text(rows):
    rows, columns = rows
    stream = io.StringIO()
    assert list(write_text(Brightness(), rows, columns, stream)) == rows
    assert stream.getvalue() == (
        "decision  probability of light  path\n"
        "dark                    0.0000  000.png\n"
        "dark                    0.4902  125.png  (abstains)\n"
        "error                           bad.png  not an image that Pillow can read\n"
    )


def test_text_without_a_positive_class(greys):
    class Neutral(Brightness):
        positive = None

    stream = io.StringIO()
    list(write_text(Neutral(), predict_rows(find_inputs(["000.png", "250.png"]), Neutral()), [], stream))
    assert stream.getvalue() == (
        "decision  probability  path\ndark           1.0000  000.png\nlight          0.9804  250.png\n"
    )


def test_rows_leave_one_by_one(greys):
    """A writer takes the next row only when the last one is requested."""
    stream = io.StringIO()
    requested = []

    def source():
        for name in ("a", "b"):
            requested.append(name)
            yield RowMaker(("dark", "light")).failed(next(iter(find_inputs([name]))), "x")

    written = write_csv(source(), columns_of(("dark", "light")), stream)
    next(written)
    assert requested == ["a"]
    assert stream.getvalue().endswith("a,,,,,x\n")


def test_json_of_a_name_that_is_no_utf8_is_json(tmp_path):
    name = os.fsdecode(b"\xff\xc3\xa4.png")
    stream = io.StringIO()
    list(write_json([{"path": name, "site": "\u00e4"}, {"path": "\u00e4.png", "site": ""}], ["path", "site"], stream))
    first, second = stream.getvalue().encode().splitlines()  # what is no UTF-8 would be refused here
    assert json.loads(first) == {"path": name, "site": "\u00e4"}
    assert os.fsencode(json.loads(first)["path"]) == b"\xff\xc3\xa4.png"
    assert "\u00e4.png" in second.decode()
