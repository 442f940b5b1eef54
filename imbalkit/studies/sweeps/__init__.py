"""Sweeps: many runs of one recipe with changes, from a sweep file to tables."""
