"""One training: batches, the loop, device memory, optimisation, checkpoints."""
