"""What every package uses: strict parameters, random generators, files written whole, progress, locks, numbers as text."""
