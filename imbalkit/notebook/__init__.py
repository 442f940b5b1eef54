"""`imbalkit.run` and `Run`: what a notebook sees."""
