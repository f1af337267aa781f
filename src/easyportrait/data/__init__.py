"""Datasets on disk: their layout, and reading them. Works without torch."""
