"""What the page's own tests compare with is what the engine says today."""

import runpy
from pathlib import Path

WEB = Path(__file__).parents[2] / "plugins/imbalkit_app/web"


def test_vectors_are_those_of_the_engine():
    made = runpy.run_path(str(WEB / "tests/vectors.py"))
    assert made["FILE"].read_text(encoding="utf-8") == made["text"](), "write them again: python tests/vectors.py"
