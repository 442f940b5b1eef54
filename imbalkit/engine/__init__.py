"""All stages of a run in order, in one process or several."""
