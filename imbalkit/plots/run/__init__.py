"""Charts of one run: each is a function that draws what a RunData holds on matplotlib axes.

It raises RunError where the run has nothing to draw.
"""
