"""A browser as Android's app has it: the page's files at the app's own origin, no network, and a stand-in for the bridge.

A WebView has no shared memory, no downloads and no service workers of its own; the app answers each request from its assets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from imbalkit_app.headers import type_of
from imbalkit_app.page import PACKAGE

from tests.app.browsing import Visit

ORIGIN = "https://appassets.androidplatform.net/"  # reserved for apps: no such server is ever asked
HEADERS = {  # the Activity's
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FLAGS = ("--host-resolver-rules=MAP * ~NOTFOUND",)  # of the browser: no name has an address

BRIDGE = """
window.called = [];
window.imbalkitAndroid = {
  save: (...given) => { called.push(["save", ...given]); },
  openSettings: (...given) => { called.push(["openSettings", ...given]); },
};
ServiceWorkerContainer.prototype.register = async (...given) => { called.push(["register", ...given]); };
"""
KOTLIN = PACKAGE / "android" / "kotlin" / "org" / "imbalkit" / "app"


def answering(files: Mapping[str, bytes], more: Mapping[str, str] | None = None) -> Callable[[Any], None]:
    """A handler of Playwright's routes that answers as the Activity does; `more` headers."""

    def answer(route: Any) -> None:
        request = route.request
        parts = urlsplit(request.url)
        name = unquote(parts.path).removeprefix("/") or "index.html"
        headers = {**HEADERS, **(more or {})}
        if f"{parts.scheme}://{parts.netloc}/" != ORIGIN or request.method != "GET":
            route.fulfill(status=403, headers=headers)
        elif name not in files:
            route.fulfill(status=404, headers=headers)
        else:
            route.fulfill(status=200, headers={**headers, "Content-Type": type_of(name)}, body=files[name])

    return answer


class WebView(Visit):
    """A visit to the page inside the app; `bridge` is the script that stands in for the app's own object."""

    def __init__(
        self,
        browser: Any,
        files: Mapping[str, bytes],
        bridge: str = BRIDGE,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ):
        def prepare(context: Any) -> None:
            context.add_init_script(bridge)
            context.route("**/*", answering(files, headers))

        super().__init__(browser, ORIGIN, prepare, **options)

    def called(self, method: str) -> list[list[Any]]:
        """What the page called `method` of the bridge with, once it has."""
        self.page.wait_for_function("method => called.some(each => each[0] === method)", arg=method)
        return [given for name, *given in self.page.evaluate("() => called") if name == method]

    def back(self) -> bool:
        """Press "back", as the Activity hands it to the page; whether it closed something there. If not, the app is left."""
        script = re.search(r'CLOSE_DIALOG = "(.+)"', (KOTLIN / "Back.kt").read_text(encoding="utf-8"))
        return self.page.evaluate(f"() => {script[1]}")
