"""Training: the only part that imports torch. Comes with the extra `train`."""
