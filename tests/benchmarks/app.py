"""The phone app in headless Chromium: frames a second, time to a reading, blocked moments, size, agreement with `predict`.

python -m tests.benchmarks app MODEL.tflite [--seconds 10] [--photographs 50]

The camera is a film of photographs of ../shared/data/ham10000. Needs the app's page (npm builds it), Playwright for Python and
a Chromium. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit_lite.images import read_pixels
from imbalkit_lite.model import open_model
from tests.app.browsing import film, hosted, launching

IMAGES = Path(__file__).resolve().parents[2] / "../shared/data/ham10000/images"
SIZES = {"phone": (360, 780), "tablet": (820, 1180), "desktop": (1440, 900)}

# Before the page's own scripts: when there was a first reading, and every task of the page's thread over 50 ms.
WATCH = """
window.watched = {first: null, tasks: []};
new PerformanceObserver(list => watched.tasks.push(...list.getEntries().map(each => each.duration)))
  .observe({type: "longtask", buffered: true});
new MutationObserver(() => {
  if (watched.first === null && document.querySelector("[data-testid=probability-0][data-value]"))
    watched.first = performance.now();
  const start = document.querySelector("[data-testid=start]:enabled");
  if (start && !window.pressed && sessionStorage.getItem("go")) { window.pressed = true; start.click(); }
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


def main(arguments: list[str]) -> None:
    """Measure the app of a model and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks app")
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=float, default=10, help="of live reading, for each size of the window")
    parser.add_argument("--photographs", type=int, default=50)
    options = parser.parse_args(arguments)
    contents = app_of(options.model)
    found: dict[str, Any] = {"sizes": sizes(contents)}
    photographs = sorted(IMAGES.glob("*.jpg"))[: options.photographs]
    with tempfile.TemporaryDirectory() as folder, hosted(contents) as address, launching() as launch:
        path = film(photographs[:4], Path(folder) / "camera.mjpeg")
        flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
        browser = launch(*flags, f"--use-file-for-fake-video-capture={path}")
        found["warm load to first reading, s"] = warm_loads(browser, address)
        found["live"] = {name: live(browser, address, size, options.seconds) for name, size in SIZES.items()}
        found["agreement"] = agreement(browser, address, options.model, photographs)
        browser.close()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def app_of(model: Path) -> Mapping[str, bytes]:
    from imbalkit_app.contents import app_contents, read_model
    from imbalkit_app.page import find_page

    return app_contents(find_page(lambda text: sys.stderr.write(f"{text}\n")), *read_model(model, "measured"))


def sizes(contents: Mapping[str, bytes]) -> dict[str, Any]:
    """kB of the page without model and runtime, of the largest runtime and its loader; as they are and gzipped."""
    page = {name: data for name, data in contents.items() if not name.startswith(("model/", "litert/"))}
    return {
        "page, kB": kilobytes(page.values()),
        "page gzipped, kB": kilobytes(map(gzip.compress, page.values())),
        **{
            f"{name}, kB": kilobytes([data])
            for name, data in contents.items()
            if name.startswith(("litert/", "model/"))
        },
    }


def kilobytes(contents: Any) -> float:
    return round(sum(map(len, contents)) / 1000, 1)


def warm_loads(browser: Any, address: str, times: int = 5) -> dict[str, Any]:
    """Seconds from a reload, with every file in the cache, to the first reading; the camera is started by the page itself."""
    context = browser.new_context(viewport=dict(zip(("width", "height"), SIZES["phone"], strict=True)))
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(address)
    page.locator("[data-testid=start]:enabled").wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => sessionStorage.setItem('go', '1'))")
    found = []
    for _ in range(times):
        page.reload()
        page.locator("[data-testid=probability-0][data-value]").wait_for()
        found.append(page.evaluate("watched.first") / 1000)
    context.close()
    return {"median": round(statistics.median(found), 2), "largest": round(max(found), 2), "times": times}


def live(
    browser: Any,
    address: str,
    size: tuple[int, int],
    seconds: float,
    prepare: Callable[[Any], object] = lambda context: None,
) -> dict[str, Any]:
    """Frames a second and blocked moments of the page's thread, from the load to a frozen reading.

    `prepare` gets the browser's context before anything is loaded.
    """
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    prepare(context)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(address)
    page.locator("[data-testid=start]:enabled").click()
    page.locator("[data-testid=probability-0][data-value]").wait_for()
    panel, read = page.get_by_test_id("panel"), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.wait_for_timeout(500)
        read.append({key: panel.get_attribute(f"data-{key}") for key in ("fps", "ms", "model", "accelerator")})
    page.get_by_test_id("freeze").click()
    page.get_by_test_id("retake").click()
    page.wait_for_timeout(300)
    tasks = page.evaluate("watched.tasks")
    context.close()
    read = read[len(read) // 4 :]  # without the beginning
    return {
        "accelerator": read[-1]["accelerator"],
        **{
            f"{name}, median": middle(read, key)
            for name, key in (("frames/s", "fps"), ("ms", "ms"), ("ms of the model", "model"))
        },
        "tasks over 50 ms": len(tasks),
        "longest, ms": round(max(tasks, default=0)),
    }


def middle(read: Sequence[Mapping[str, Any]], key: str) -> float:
    return round(statistics.median(float(each[key]) for each in read), 1)


def agreement(browser: Any, address: str, path: Path, photographs: Sequence[Path]) -> dict[str, Any]:
    """The page's probabilities and decisions of photographs beside those of `imbalkit predict`."""
    model = open_model(path)
    expected = model.predict(np.stack([read_pixels(each, model.rule, model.channels) for each in photographs]))
    page = browser.new_context().new_page()
    page.goto(address)
    page.locator("[data-testid=start]:enabled").wait_for()
    apart, others = 0.0, 0
    for index, photograph in enumerate(photographs):
        page.get_by_test_id("picture-input").set_input_files(photograph)
        page.get_by_text(f"{photograph.name}:").wait_for()
        result = json.loads(page.get_by_test_id("result-json").text_content())
        apart = max(apart, float(np.abs(np.array(result["probabilities"]) - expected.probabilities[index]).max()))
        others += result["decision"] != model.classes[int(expected.decisions[index])]
        others += result["abstained"] != bool(expected.abstained[index])
    page.context.close()
    return {"photographs": len(photographs), "largest difference of a probability": apart, "other decisions": others}
