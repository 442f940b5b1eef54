"""What several tests of the report use."""

from __future__ import annotations

import shutil

import pytest

from tests.report.made_up import run_of, scored

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture
def made_up(tmp_path):
    """A run folder of 400 test rows, 60 of them melanoma, with ties among the scores."""
    labels, logits = scored(400, 60, distinct=60)
    return run_of(tmp_path / "run", labels, logits)


@pytest.fixture(scope="module")
def browser():
    """A headless browser of the system."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser here: none of {', '.join(BROWSERS)}")
    with api.sync_playwright() as player:
        started = player.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Opens a file; afterwards fails for console errors, exceptions, and requests of anything but the file itself."""
    said, asked, contexts = [], [], []

    def go(path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert not said
    own = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert not own
    assert sum(url.startswith("file:") for url in asked) == len(contexts)
