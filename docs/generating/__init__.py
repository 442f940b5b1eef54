"""What `docs/generate.py` writes into the pages, by what it is about."""
