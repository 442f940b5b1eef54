"""`imbalkit export`"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from imbalkit.base.text import share_text
from imbalkit.cli.commands import options
from imbalkit_lite.command_line import say, stop_by_sigterm
from imbalkit_lite.text import json_text

if TYPE_CHECKING:
    from imbalkit.kinds import Exporter


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--to", "kind", required=True, metavar="KIND", help="tflite, onnx, or what a plugin registers.")
@click.option(
    "--quantize",
    type=click.Choice(["none", "fp16", "dynamic", "int8"]),
    default="none",
    show_default=True,
    help="Numbers in the file: float32; float16 weights; int8 weights; int8 weights and layers, fitted on validation rows.",
)
@click.option(
    "--input",
    type=click.Choice(["float32", "uint8"]),
    default="float32",
    show_default=True,
    help="What the file takes: values 0..1, or pixels 0..255.",
)
@click.option(
    "--views/--no-views",
    default=True,
    help="Average the views of the run's recipe inside the file, as `imbalkit predict` does.  [default: views]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file.  [default: model.SUFFIX in RUN, with the quantisation in its name]",
)
@click.option("--rows", type=click.IntRange(min=1), help="Most validation rows to compare on.  [default: 1000]")
@click.option(
    "--auc", type=float, metavar="X", help="Largest change of the ROC area, for a quantised file.  [default: 0.01]"
)
@click.option("--sensitivity", type=float, metavar="X", help="Largest change of the sensitivity.  [default: 0.03]")
@click.option("--ece", type=float, metavar="X", help="Largest change of the calibration error.  [default: 0.03]")
@click.option("--flips", type=float, metavar="X", help="Largest share of rows decided otherwise.  [default: 0.05]")
@click.option("--synthetic", is_flag=True, help="Compare on synthetic images: for a run whose data are gone.")
@click.option("--measure", "measured", is_flag=True, help="Measure time on 1, 2 and 4 threads and memory, too.")
@options.as_json
def command(
    run: Path,
    kind: str,
    quantize: str,
    input: str,
    views: bool,
    out: Path | None,
    rows: int | None,
    synthetic: bool,
    measured: bool,
    as_json: bool,
    **limits: float | None,
) -> None:
    """Write the model of a finished RUN to a file that other programs run.

    Normalisation and calibration are inside; classes, threshold and what else a user needs travel with it. The file is
    compared with the network on validation rows first: float32 must agree to 1e-5, a quantised file must keep within the
    limits. If it does not, no file is written. parity.json beside it says what was compared.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    stop_by_sigterm()
    from pydantic import ValidationError

    from imbalkit.export.export import export
    from imbalkit.recipe.validation import error_text
    from imbalkit.runs.restore import restore

    restored = restore(run, "cpu")
    exporter_class = cast("type[Exporter]", restored.catalogue.get("exporter", kind))
    stated = {name: value for name, value in limits.items() if value is not None}
    parameters: dict[str, Any] = {"quantize": quantize, "input": input, "views": views, "limits": stated}
    try:
        exporter = exporter_class.model_validate(parameters | ({} if rows is None else {"rows": rows}))
    except ValidationError as error:
        mistakes = [(each["loc"], error_text([each])) for each in error.errors()]  # of a limit: with its option's name
        raise click.ClickException(
            "; ".join(f"--{loc[-1]}: {text}" if loc else text for loc, text in mistakes)
        ) from None
    exporter.check_requirements()
    path = out or run / exporter.file_name
    if path.suffix != exporter.suffix:
        raise click.BadParameter(f"expected a name that ends in {exporter.suffix}, got {path}", param_hint="--out")
    if not path.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {path.absolute().parent} to write {path.name} into")
    if stated and quantize == "none":
        click.echo("note: limits are for quantised files; float32 has its own (1e-5 of a probability)", err=True)
    facts = export(restored, exporter, path, synthetic, measured)
    if as_json:
        click.echo(json_text({path.name: facts}, indent=2))
        return
    for line in _lines(path, facts):
        say(line)
    for note in facts["notes"]:
        say(f"note: {note}", err=True)


def _lines(path: Path, facts: Mapping[str, Any]) -> Iterator[str]:
    several = f", {facts['members']} networks" if "members" in facts else ""
    yield f"{path}: {facts['bytes'] / 1e6:.2f} MB{several}"
    kind = facts["compared_on"]["rows"]
    for name, found in facts["runtimes"].items():
        apart, logits = found["largest_probability_difference"], found["largest_logit_difference"]
        line = f"{name} on {found['rows']:,} {kind} rows: probabilities within {apart:.2g} of the network's"
        line += "" if logits is None else f", logits within {logits:.2g}"
        yield line + f"; {found['flips']['rows']:,} decided otherwise ({share_text(found['flips']['share'], 2)})"
        for metric, label in (("auc", "ROC area"), ("sensitivity", "sensitivity"), ("ece", "ECE")):
            if facts["quantize"] != "none" and found.get(metric) is not None:
                yield f"  {label} {found[metric]['network']:.4f}, in the file {found[metric]['file']:.4f}"
    if facts.get("views", {}).get("in_the_file", "none") != "none":
        yield f"the mean over views ({facts['views']['in_the_file']}) is in the file"
    gpu = facts.get("gpu")
    if gpu is not None:
        left = ", ".join(gpu["left_to_the_cpu"])
        yield f"a phone's GPU leaves {left} to its CPU" if left else "a phone's GPU takes every operation"
    yield from _measured(facts.get("measured"))


def _measured(facts: Mapping[str, Any] | None) -> Iterator[str]:
    if facts is None:
        return
    machine = facts["machine"]
    yield f"milliseconds an image, median (middle 80 %), on {machine['processor']}, {machine['cores']} cores:"
    for threads, subjects in facts["milliseconds_by_threads"].items():
        times = (f"{name} {t['median']:.1f} ({t['p10']:.1f} to {t['p90']:.1f})" for name, t in subjects.items())
        yield f"  {threads} thread{'s' if threads != '1' else ''}: " + ", ".join(times)
    memory = facts["peak_memory_mb"]
    if memory is not None:
        yield f"peak memory: {memory['of_the_file']:.0f} MB for the file, {memory['in_all']:.0f} MB with the program"
