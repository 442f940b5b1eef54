"""Figures of runs. One module a figure, each with `data(...)` (the numbers behind every mark) and `draw(...)` (a Figure).

Nothing here but `make` touches files; matplotlib is imported when a figure is drawn.
"""

FIGURES = {
    "psf": "where radial blur puts the light of a white dot",
    "gallery": "the copies that a recipe's samplers make",
    "rates": "miss rate against false alarm rate, one mark a method",
    "balance": "error rates against the balance ratio of the training rows",
    "by_loss": "the same rates in a list, grouped by loss",
}
OF_RUNS = ("rates", "balance", "by_loss")
