"""One cell of a sweep, as a process of its own: `python -m imbalkit.studies.sweeps.cell FOLDER CELL`.

Why it failed goes to errors/CELL.json; what it prints, to where the launcher was told.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from imbalkit.base.files import read_json, write_json
from imbalkit.base.plugin_errors import plugin_note
from imbalkit.errors import ImbalkitError
from imbalkit_lite.command_line import write_any_name
from imbalkit_lite.text import printable_lines

CELLS, DONE, LOGS, ERRORS, ROUNDS = "cells.json", "cells", "logs", "errors", "rounds"


def run_cell(folder: Path, cell: str) -> None:
    """Run a cell of a sweep folder, or go on with it. Raises ImbalkitError as a run does."""
    from imbalkit.base.progress import Lines
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run

    facts = read_json(folder / CELLS)
    options = RunOptions(
        folder=folder / DONE / cell,
        resume=True,
        without=tuple(facts["without"]),
        rounds=folder / ROUNDS,
        progress=Lines(),
        wait=True,
    )
    run(facts["base"], facts["cells"][cell]["overrides"], options)


def main(folder: Path, cell: str) -> int:
    """Exit code 0, or 1 with the error in errors/CELL.json."""
    error_file = folder / ERRORS / f"{cell}.json"
    write_any_name("utf-8")
    try:
        run_cell(folder, cell)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        sys.stderr.write(printable_lines(traceback.format_exc()))
        message = str(error)
        if not isinstance(error, ImbalkitError):
            message = "\n".join(filter(None, [f"{type(error).__name__}: {error}", plugin_note(error)]))
        write_json(error_file, {"error": message})
        return 1
    error_file.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
