"""What `imbalkit new` writes: a folder a kind (part, tests, recipe), and `project`, which all kinds share.

The code is real: `Mine`, `mine` and `imbalkit_mine` are replaced by the names of the new plugin.
"""
