"""Samples before training: the table, its split, the image stores and the cache of decoded images."""
