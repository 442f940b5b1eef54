"""What it takes to reproduce the run."""

from __future__ import annotations

import shlex
from typing import Any

from imbalkit.base.files import sha256_of
from imbalkit.report.context import Report
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData

# Weights and exports are model.*
FILES = (run_folder.RECIPE, "model.*", f"members/*/{run_folder.WEIGHTS}", run_folder.PREDICTIONS, run_folder.PLAN)


def values(report: Report) -> dict[str, Any]:
    """Command, seeds, versions and hashes."""
    run, facts = report.run, report.run.facts
    paths = [path for name in FILES for path in sorted(run.folder.glob(name)) if path.is_file()]
    files = [
        {"name": path.relative_to(run.folder).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in paths
    ]
    return {
        "command": _command(run),
        "facts": [
            ("command", facts.get("command")),
            ("directory", facts.get("directory")),
            ("seed", facts.get("seed")),
            ("seed of the split", facts.get("split_seed")),
            ("hash of the recipe", facts.get("recipe_hash")),
            ("machine", " ".join(str(value) for value in facts.get("machine", {}).values())),
            ("started", facts.get("started")),
            ("finished", facts.get("finished")),
        ],
        "versions": {name: version for name, version in facts.get("versions", {}).items() if version},
        "plugins": facts.get("plugins", {}),
        "files": files,
        "recipe": (run.folder / run_folder.RECIPE).read_text(encoding="utf-8"),
    }


def _command(run: RunData) -> str:
    if not run.members:
        return f"imbalkit run {run_folder.RECIPE}"
    made_from = [str(member["from"]) for member in run.metrics["ensemble"]["members"]]
    return f"imbalkit ensemble {shlex.join(made_from)} --folder FOLDER"
