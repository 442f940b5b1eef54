"""A finished run: its folder, its results, and its network restored for new images."""
