"""The maths in NumPy and torch. Pure functions that know no recipe, no part and no file."""
