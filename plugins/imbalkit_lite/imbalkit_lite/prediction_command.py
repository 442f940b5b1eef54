"""What `imbalkit predict` and `imbalkit-lite predict` share: options, where the rows go, exit code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from imbalkit_lite.command_line import say, stop_by_sigterm
from imbalkit_lite.text import counted

if TYPE_CHECKING:
    from imbalkit_lite.inputs import Inputs
    from imbalkit_lite.predictor import Predictor
    from imbalkit_lite.rows import Row

FORMATS = {".csv": "csv", ".jsonl": "json", ".ndjson": "json"}

_OPTIONS = (
    click.argument("paths", nargs=-1, required=True, metavar="PATH..."),
    click.option("--json", "kind", flag_value="json", help="JSON lines: one object an image."),
    click.option("--csv", "kind", flag_value="csv", help="CSV.  [default, but on a terminal]"),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write a file instead: .csv, or .jsonl for JSON lines.",
    ),
    click.option(
        "--threshold", type=float, help="Predict the positive class from this probability on, not from the model's own."
    ),
    click.option("--column", default="path", show_default=True, help="The column of a table that holds the paths."),
    click.option("--batch-size", type=click.IntRange(min=1), help="Images at once.  [default: the model's own]"),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="Threads of a file's runtime.  [default: the runtime's own choice]",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """PATH... and the options, in the order of the help. The command gets `threshold`, `batch_size` and `threads`, and
    hands `paths`, `kind`, `out` and `column` on to `predict`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def file_predictor(path: Path, threshold: float | None, batch_size: int | None, threads: int | None) -> Predictor:
    """An exported file with the options applied. Raises ImbalkitError."""
    from imbalkit_lite.model import open_model

    model = open_model(path, threads)
    model.batch_size = batch_size or model.batch_size
    return model if threshold is None else model.at(threshold)


def predict(
    open_predictor: Callable[[], Predictor], paths: Sequence[str], kind: str | None, out: Path | None, column: str
) -> None:
    """Read, predict, write a row for each image; exits with code 1 if no image could be read. Raises ImbalkitError."""
    from imbalkit_lite.columns import Unknown, absent_note, unknown_notes
    from imbalkit_lite.files import refuse_input
    from imbalkit_lite.inputs import find_inputs, find_rows
    from imbalkit_lite.predicting import predict_rows
    from imbalkit_lite.rows import DECISION, ERROR, columns_of, key_of

    stop_by_sigterm()
    kind = _format(kind, out)
    predictor = open_predictor()
    encoding, unknown, key = predictor.encoding, Unknown(), key_of(predictor)
    names = [name for path in paths for name in (_from_stdin() if path == "-" else [path])]
    if out is not None:
        refuse_input(out, names)
    if predictor.channels or encoding is None:
        inputs = find_inputs(names, column)
    else:
        inputs = find_rows(names, encoding.names)
    for note in inputs.notes:
        click.echo(f"note: {note}", err=True)
    if encoding is not None and (note := absent_note(encoding, inputs.tables, bool(predictor.channels))):
        say(f"note: {note}", err=True)
    columns, outcomes = columns_of(predictor.classes, inputs.columns, key), Counter[str]()

    def work(stream: IO[str]) -> None:
        with _progress(stream, inputs) as advance:
            rows = predict_rows(inputs, predictor, advance, unknown)
            for row in _writer(kind, predictor)(rows, columns, stream):
                outcomes[row[DECISION] if row[ERROR] is None else ERROR] += 1

    if out is None:
        work(_stdout())
    else:
        _write_file(out, work)
        say(f"{out}: {counted(outcomes.most_common())}", err=True)
    for note in unknown_notes(unknown, encoding) if encoding is not None else []:
        say(f"note: {note}", err=True)
    failed = outcomes[ERROR]
    if failed:
        click.echo(f"{failed:,} of {len(inputs):,} files could not be read: `{ERROR}` says why", err=True)
    if failed == len(inputs):
        click.get_current_context().exit(1)


def _format(kind: str | None, out: Path | None) -> str:
    """csv, json, or text for a person at a terminal."""
    if out is None:
        return kind or ("text" if sys.stdout.isatty() else "csv")
    if not out.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {out.absolute().parent} to write {out.name} into")
    kind = kind or FORMATS.get(out.suffix.lower())
    if kind is None:
        raise click.BadParameter(f"name it .csv or .jsonl, or add --csv or --json: {out}", param_hint="--out")
    return kind


def _from_stdin() -> Iterator[str]:
    return (line.rstrip("\r\n") for line in _any_name(sys.stdin, "utf-8") if line.strip())


def _stdout() -> IO[str]:
    return _any_name(sys.stdout, None if sys.stdout.isatty() else "utf-8")


def _any_name(stream: IO[str], encoding: str | None) -> IO[str]:
    """A standard stream through which file names that are no UTF-8 pass as they are; one put in its place stays as it is."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding=encoding, errors="surrogateescape")
    return stream


def _write_file(path: Path, work: Callable[[IO[str]], None]) -> None:
    from imbalkit_lite.files import write_atomic

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            work(stream)

    write_atomic(path, write)


def _writer(kind: str, predictor: Predictor) -> Callable[[Iterable[Row], Sequence[str], IO[str]], Iterator[Row]]:
    from imbalkit_lite.rows import write_csv, write_json, write_text

    return {"csv": write_csv, "json": write_json}.get(kind) or partial(write_text, predictor)


@contextmanager
def _progress(stream: IO[str], inputs: Inputs) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error if that is a terminal and the rows go elsewhere; rows leave after each batch."""
    if not sys.stderr.isatty() or stream.isatty():
        yield lambda done, total: stream.flush()
        return
    with click.progressbar(length=len(inputs), label="predicting", show_pos=True, file=sys.stderr) as bar:

        def advance(done: int, total: int) -> None:
            stream.flush()
            bar.update(done - bar.pos)

        yield advance
