"""From YAML to a run that is ready to start: the recipe's keys, their checks, data, split and class counts."""
