"""Metrics with their intervals, for the test split and for subgroups."""
