"""The command line: finds commands by name and imports only the one that is run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from imbalkit_lite.command_line import run

# name -> (module, help): known without importing, so that --help is instant
COMMANDS = {
    "run": ("imbalkit.cli.commands.run", "Run a recipe: data to model, metrics and run folder."),
    "sweep": ("imbalkit.cli.commands.sweep", "Run a grid of recipes, with seeds and folds."),
    "predict": (
        "imbalkit.cli.commands.predict",
        "Predict images with a finished run, or with a file exported from one.",
    ),
    "ensemble": ("imbalkit.cli.commands.ensemble", "Make one run of finished runs, or of a cross-validation's folds."),
    "baseline": (
        "imbalkit.cli.commands.baseline",
        "Fit logistic regression and gradient boosting with a recipe's split and decision.",
    ),
    "compare": ("imbalkit.cli.commands.compare", "Compare finished runs on the same test rows."),
    "audit": ("imbalkit.cli.commands.audit", "Find labels that are likely wrong; nothing is changed."),
    "embed": ("imbalkit.cli.commands.embed", "Write the features of a frozen network, a row for each sample."),
    "report": ("imbalkit.cli.commands.report", "Write the report of a finished run again."),
    "export": ("imbalkit.cli.commands.export", "Write a run's model as ONNX or TFLite, checked against the network."),
    "plan": ("imbalkit.cli.commands.plan", "Show the class counts of a recipe without training."),
    "figures": ("imbalkit.cli.commands.figures", "Draw figures of runs: rates, balance, gallery of copies, blur."),
    "leaks": ("imbalkit.cli.commands.leaks", "Check that train, validation and test share nothing."),
    "new": ("imbalkit.cli.commands.new", "Write a new plugin: a part, its tests and a recipe, to fill in."),
    "plugins": ("imbalkit.cli.commands.plugins", "List the installed parts and their parameters."),
    "schema": ("imbalkit.cli.commands.schema", "Print the JSON Schema of recipes, for editors."),
    "init": ("imbalkit.cli.commands.init", "Look at a data set and write a recipe for it."),
}


class Commands(click.Group):
    """The built-in commands, and those that plugins add through the entry-point group `imbalkit.commands`."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS, *_plugin_commands()]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            return importlib.import_module(COMMANDS[name][0]).command
        found = _plugin_commands().get(name)
        if found is None:
            return None
        try:
            return found.load()
        except Exception as error:
            from imbalkit.cli.plugin_commands import owner

            raise click.ClickException(
                f"command {name!r} of {owner(found)} cannot be imported: {type(error).__name__}: {error}"
            ) from error

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and name not in self.list_commands(context) and not name.startswith("-"):
            from imbalkit.errors import nearest

            context.fail(f"there is no command {name!r}{nearest(name, self.list_commands(context))}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from imbalkit.cli.plugin_commands import summary

        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(name, summary(entry)) for name, entry in _plugin_commands().items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugin_commands() -> dict[str, Any]:
    from imbalkit.cli.plugin_commands import plugin_commands

    return plugin_commands(COMMANDS)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="imbalkit", message="imbalkit %(version)s")
def root() -> None:
    """Train and evaluate image classifiers on imbalanced data, as a recipe says."""


def _stopped(arguments: Sequence[str]) -> str:
    """What is said after an interruption: how the command goes on, if it does."""
    command = arguments[0] if arguments else ""
    if command in ("run", "sweep"):
        return f"stopped; `imbalkit {command} ... --resume` goes on from here"
    return "stopped; the same command goes on from here" if command == "audit" else "stopped"


def main() -> None:
    """The command `imbalkit`: a user's mistake ends with its message and exit code 1, never with a traceback."""
    try:
        run(root, _stopped(sys.argv[1:]))
    except Exception as error:
        from imbalkit.base.plugin_errors import plugin_note

        if note := plugin_note(error):
            error.add_note(note)
        raise
