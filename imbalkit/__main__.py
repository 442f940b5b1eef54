"""`python -m imbalkit` is the command `imbalkit`."""

from imbalkit.cli.main import main

if __name__ == "__main__":
    main()
