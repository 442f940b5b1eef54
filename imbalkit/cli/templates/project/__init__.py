"""The hooks of this plugin: what it adds to imbalkit."""

from imbalkit_mine.part import Mine

from imbalkit.kinds import hookimpl


@hookimpl
def register_parts():
    return [Mine]
