"""The code of the finished classes.dex on a JVM: enjarify makes Java's of it, and the stubs stand in for Android."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.app.android.conftest import ENJARIFY, call, need

pytestmark = pytest.mark.slow


def test_the_code_does_what_it_should(dex, stubs, tmp_path):
    """Checks of addresses, permissions, files, back, bars, old WebViews and lost pages: java/*Test.java."""
    need("java", "javac", "enjarify")
    jar, tests = tmp_path / "dex.jar", tmp_path / "tests"
    made = call(*ENJARIFY, "-o", jar, dex)
    assert "0 classes had errors" in made
    sources = sorted((Path(__file__).parent / "java").glob("*.java"))
    call("javac", "--release", "8", "-nowarn", "-Xlint:-options", "-cp", f"{stubs}:{jar}", "-d", tests, *sources)
    said = call("java", "-Xverify:all", "-cp", f"{tests}:{stubs}:{jar}", "org.imbalkit.app.AppTest")
    assert int(re.fullmatch(r"(\d+) passed, 0 failed\n", said)[1]) >= 184
