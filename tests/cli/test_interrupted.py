"""What a command says after Ctrl-C."""

import sys

import pytest

from imbalkit.cli.main import main


@pytest.mark.parametrize(
    "words, said",
    [
        (["run", "r.yaml"], "stopped; `imbalkit run ... --resume` goes on from here"),
        (["sweep", "s.yaml"], "stopped; `imbalkit sweep ... --resume` goes on from here"),
        (["audit", "r.yaml", "--out", "a"], "stopped; the same command goes on from here"),
        (["predict", "run", "a.png"], "stopped"),
        ([], "stopped"),
    ],
)
def test_what_was_interrupted_is_told_how_it_goes_on(words, said, monkeypatch, capsys):
    def pressed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["imbalkit", *words])
    monkeypatch.setattr("imbalkit.cli.main.root", pressed)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == f"{said}\n"
