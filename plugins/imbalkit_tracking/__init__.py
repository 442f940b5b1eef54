"""Experiment trackers as observers of runs: MLflow and Weights & Biases, each a plugin of its own.

`logging: {mlflow: true}` or `logging: {wandb: true}` in a recipe turns one on; where it sends to is said by the tracker's own
environment variables. Their packages are imported when a run starts that asks for them.
"""

from __future__ import annotations

from imbalkit_tracking.observer import TrackerObserver

mlflow = TrackerObserver("mlflow", "imbalkit_tracking.mlflow_runs:MLflow")
wandb = TrackerObserver("wandb", "imbalkit_tracking.wandb_runs:WandB")
