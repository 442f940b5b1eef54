"""A browser with a camera that is a film made of photographs, and a page that is watched."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from imbalkit_app.serving import Server

HAM10000 = Path(__file__).parents[3] / "shared" / "data" / "ham10000"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENT = 120_000  # ms; a wait ends when what it waits for is there, so that this costs a fast machine nothing
FRAMES = 60  # of each photograph, 2 s at the camera's 30 a second


def film(photographs: Sequence[Path], path: Path, side: int = 480) -> Path:
    """A camera's film (MJPEG): each photograph for FRAMES frames of 640 x 480, over and over."""
    from PIL import Image

    with path.open("wb") as file:
        for photograph in photographs:
            frame = Image.new("RGB", (640, 480), (120, 100, 90))
            with Image.open(photograph) as picture:
                frame.paste(
                    picture.resize((side, side), Image.Resampling.LANCZOS), ((640 - side) // 2, (480 - side) // 2)
                )
            stream = io.BytesIO()
            frame.save(stream, "JPEG", quality=92)
            file.write(stream.getvalue() * FRAMES)
    return path


@contextmanager
def launching() -> Iterator[Callable[..., Any]]:
    """`launch(*flags)`: headless Chromium of the system."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser here: none of {', '.join(BROWSERS)}")
    with api.sync_playwright() as player:
        yield lambda *flags: player.chromium.launch(executable_path=found, args=["--no-sandbox", *flags])


@contextmanager
def launched(*flags: str) -> Iterator[Any]:
    """One such browser."""
    with launching() as launch:
        browser = launch(*flags)
        yield browser
        browser.close()


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[str]:
    """The address of what is served meanwhile."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hosted(contents: Mapping[str, bytes]) -> Iterator[str]:
    """The address of an app meanwhile."""
    with listening(Server(contents, "127.0.0.1", 0)) as address:
        yield address


class Visit:
    """A page at an address, with what goes wrong in it and all its requests.

    `prepare` gets the browser's context before anything is loaded.
    """

    def __init__(
        self, browser: Any, address: str, prepare: Callable[[Any], object] = lambda context: None, **options: Any
    ):
        self.address, self.wrong, self.requests = address, [], []
        self.context = browser.new_context(**{"viewport": {"width": 360, "height": 780}, **options})
        self.context.set_default_timeout(PATIENT)
        prepare(self.context)
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def ready(self) -> Visit:
        """Once the model is loaded."""
        self.page.locator("[data-testid=start]:enabled").wait_for()
        return self

    def end(self) -> None:
        """Fails for an error in the console, an exception, and a request to elsewhere."""
        self.context.close()
        assert not self.wrong
        outside = [url for url in self.requests if not url.startswith((self.address, "blob:", "data:"))]
        assert not outside

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.wrong.append(message.text)

    def part(self, name: str) -> Any:
        return self.page.get_by_test_id(name)

    def probabilities(self, count: int) -> list[float]:
        """What the bars show, at full precision; waits for them."""
        self.page.wait_for_function(
            "n => Array.from({length: n}, (_, i) => document.querySelector(`[data-testid=probability-${i}]`))"
            ".every(e => e && e.dataset.value && Number.isFinite(Number(e.dataset.value)))",
            arg=count,
        )
        return [float(self.part(f"probability-{index}").get_attribute("data-value")) for index in range(count)]

    def open_picture(self, path: Path) -> dict[str, Any]:
        """Open a picture as from the gallery; the result as it may be saved."""
        self.part("picture-input").set_input_files(path)
        return self.result(path.name)

    def result(self, name: str) -> dict[str, Any]:
        """The result that is of the file `name`, once it is there."""
        self.page.wait_for_function(
            "name => { const text = document.querySelector('[data-testid=result-json]')?.textContent?.trim();"
            " return text && JSON.parse(text).file === name; }",
            arg=name,
        )
        return json.loads(self.part("result-json").text_content())
