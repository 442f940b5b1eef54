"""Searches: trials of one recipe over a space of choices and ranges, with Optuna behind it; the winner on fresh seeds."""
