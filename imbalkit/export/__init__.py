"""A finished network as a file for other programs, compared with the network before the file gets its name."""
