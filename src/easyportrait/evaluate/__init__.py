"""Scores: of masks against masks, and of model files against sets."""
