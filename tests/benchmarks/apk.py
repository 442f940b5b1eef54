"""The Android app: seconds to make an APK, its size beside the model's, and frames a second of its page and of the web page.

python -m tests.benchmarks apk MODEL.tflite... [--seconds 6] [--rounds 3]

Both pages run in one headless Chromium whose camera is a film of photographs, by turns: the page out of the APK as a WebView has
it (one thread, its own origin, no network), the web page with as many threads as the browser gives. Needs what
`python -m tests.benchmarks app` needs. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.app.browsing import film, hosted, launching
from tests.app.webview import BRIDGE, ORIGIN, answering
from tests.benchmarks.app import IMAGES, SIZES, app_of, live

PAGE = "assets/page/"
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def main(arguments: list[str]) -> None:
    """Measure the APKs of some models and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks apk")
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=6, help="of live reading, for each page and round")
    parser.add_argument("--rounds", type=int, default=3, help="of the pages, by turns")
    options = parser.parse_args(arguments)
    found: dict[str, Any] = {"load average at the beginning": os.getloadavg() if hasattr(os, "getloadavg") else None}
    with tempfile.TemporaryDirectory() as folder, launching() as launch:
        path = film(sorted(IMAGES.glob("*.jpg"))[:4], Path(folder) / "camera.mjpeg")
        browser = launch("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost", *CAMERA,
                         f"--use-file-for-fake-video-capture={path}")  # fmt: skip
        for model in options.models:
            apk = Path(folder) / f"{model.stem}.apk"
            made = making(model, apk)
            found[model.name] = made | rates(browser, model, apk, options.seconds, options.rounds)
        browser.close()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def making(model: Path, apk: Path) -> dict[str, Any]:
    """Seconds of the command's work without Python's start, and bytes; the key is made before."""
    from imbalkit_app.apk.key import ensure_key
    from imbalkit_app.apk.making import Request, make_apk
    from imbalkit_app.contents import read_model

    key = apk.with_name("key.pem")
    ensure_key(key)
    begin, worked = time.perf_counter(), time.process_time()
    make_apk(Request(apk, key=key), read_model(model, "measured")[0], app_of(model), "0", lambda text: None)
    return {
        "model, MB": round(model.stat().st_size / 1e6, 1),
        "APK, MB": round(apk.stat().st_size / 1e6, 1),
        "seconds": round(time.perf_counter() - begin, 1),
        "seconds of a core": round(time.process_time() - worked, 1),
    }


def rates(browser: Any, model: Path, apk: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Frames a second of both pages, the median of the rounds."""
    with zipfile.ZipFile(apk) as archive:
        files = {name.removeprefix(PAGE): archive.read(name) for name in archive.namelist() if name.startswith(PAGE)}

    def in_app(context: Any) -> None:
        context.add_init_script(BRIDGE + "delete globalThis.SharedArrayBuffer;")
        context.route("**/*", answering(files))

    pages: dict[str, list[Mapping[str, Any]]] = {"APK": [], "web": []}
    with hosted(app_of(model)) as address:
        for _ in range(rounds):
            pages["APK"].append(live(browser, ORIGIN, SIZES["phone"], seconds, in_app))
            pages["web"].append(live(browser, address, SIZES["phone"], seconds))
    return {name: middle(read) for name, read in pages.items()}


def middle(read: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median of each figure over rounds."""
    last = read[-1]
    return {
        key: value if isinstance(value, str) else round(statistics.median(each[key] for each in read), 1)
        for key, value in last.items()
    }
