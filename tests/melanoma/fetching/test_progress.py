"""The lines that say how far."""

from types import SimpleNamespace


def test_lines_say_how_far(capsys, monkeypatch):
    from imbalkit_melanoma.fetching import progress

    now = iter([0.0, 0.0, 10.0, 40.0, 40.0, 40.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    lines = progress.ProgressLines()
    lines.step("x.zip", 1_000_000, 200_000)
    now = iter([10.0, 40.0, 40.0, 40.0])
    lines.advance(100_000)  # 10 s: too soon for a line
    lines.advance(300_000)
    text = capsys.readouterr().err.splitlines()
    assert text == ["x.zip, 1.0 MB, resuming after 200.0 kB", "x.zip  60% of 1.0 MB, 10.0 kB/s, 0:40 remaining"]
