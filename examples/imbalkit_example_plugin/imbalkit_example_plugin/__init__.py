"""The hooks of this plugin: what it adds to imbalkit."""

from imbalkit.kinds import hookimpl

from imbalkit_example_plugin.logit_adjusted import LogitAdjusted
from imbalkit_example_plugin.power_over import PowerOver


@hookimpl
def register_samplers():
    return [PowerOver]


@hookimpl
def register_losses():
    return [LogitAdjusted]
