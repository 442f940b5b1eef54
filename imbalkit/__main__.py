"""`python -m imbalkit` is the command `imbalkit`."""

from imbalkit.cli import main

if __name__ == "__main__":
    main()
