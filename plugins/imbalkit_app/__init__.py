"""The phone app: an exported TFLite file becomes a web page that reads the camera, offline, as `imbalkit predict` would."""
