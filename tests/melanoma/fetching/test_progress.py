"""The lines that say how far."""

from types import SimpleNamespace


def test_lines_say_how_far(capsys, monkeypatch):
    from imbalkit_melanoma.fetching import progress

    now = iter([0.0, 0.0, 10.0, 40.0, 40.0, 40.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    lines = progress.Lines()
    lines.step("x.zip", 1_000_000, 200_000)
    now = iter([10.0, 40.0, 40.0, 40.0])
    lines.advance(100_000)  # 10 s: too soon for a line
    lines.advance(300_000)
    said = capsys.readouterr().err.splitlines()
    assert said == ["x.zip, 1.0 MB, going on after 200.0 kB", "x.zip  60% of 1.0 MB, 10.0 kB/s, left 0:40"]
