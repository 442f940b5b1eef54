"""The hooks of this plugin: what it adds to imbalkit."""

from imbalkit.kinds import hookimpl

from imbalkit_example_plugin.generalized_ce import GeneralizedCE
from imbalkit_example_plugin.power_over import PowerOver


@hookimpl
def register_samplers():
    return [PowerOver]


@hookimpl
def register_losses():
    return [GeneralizedCE]
