"""Figures over many runs. One module a figure, each with `data(...)` (the numbers behind every mark) and `draw(...)` (a Figure).

Nothing here writes files; matplotlib is imported when a figure is drawn.
"""
