"""The page goes into imbalkit's wheel: hatch calls this when it builds one.

Where npm is not there or fails the wheel has no page, and `imbalkit app` reports that: `pip install .` needs no npm. With the
variable IMBALKIT_REQUIRE_PAGE set, that is an error: for a wheel that is published.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "plugins/imbalkit_app"
IN_WHEEL = "imbalkit_app/page"


class PageHook(BuildHookInterface):
    """Builds `web/` where it is not built yet, and adds it to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, str(Path(self.root) / "plugins"))
        from imbalkit_app.building import BuildError, build, is_fresh

        web = Path(self.root) / FOLDER / "web"
        try:
            page = web / "dist" if is_fresh(web) else build(web, self.app.display_info)
        except BuildError as error:
            if os.environ.get("IMBALKIT_REQUIRE_PAGE"):
                raise
            self.app.display_warning(f"the wheel comes without the page of `imbalkit app`: {error}")
            return
        build_data["force_include"][str(page)] = IN_WHEEL
