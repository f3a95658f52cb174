"""What every method shares, once: the training loop, run folders, checkpoints, configuration, replay, progress."""
