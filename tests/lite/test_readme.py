"""The README's own lines, run where they say."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from PIL import Image

from imbalkit_lite.cli import main
from tests.lite.small_network import CARD

README = (Path(__file__).parents[2] / "plugins" / "imbalkit_lite" / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def prepare(exported, tmp_path, monkeypatch) -> None:
    exported("tflite")
    (tmp_path / "photographs").mkdir()
    Image.new("RGB", (30, 20), (200, 90, 40)).save(tmp_path / "photograph.jpg")
    Image.new("RGB", (30, 20), (20, 90, 40)).save(tmp_path / "photographs" / "a.png")
    monkeypatch.chdir(tmp_path)


def test_python(exported, tmp_path, monkeypatch, capsys):
    prepare(exported, tmp_path, monkeypatch)
    (block,) = blocks("python")
    names: dict = {}
    exec(block, names)
    assert str(CARD.classes) in capsys.readouterr().out
    assert names["prediction"].probabilities.shape == (1, 3)


def test_shell(exported, tmp_path, monkeypatch):
    prepare(exported, tmp_path, monkeypatch)
    (block,) = blocks("sh")
    (line,) = [line for line in block.splitlines() if line.startswith("imbalkit-lite")]
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    try:
        main()
    except SystemExit as end:
        assert not end.code
    rows = (tmp_path / "predictions.csv").read_text().splitlines()
    assert rows[0] == "path,decision,abstained,probability_aster,probability_poppy,probability_tulip,error"
    assert rows[1].startswith("photographs/a.png,")
