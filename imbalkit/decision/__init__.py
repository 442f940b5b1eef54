"""From logits to decisions: prior, calibration, threshold and abstention, fitted on validation only."""
