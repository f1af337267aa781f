"""A local page to look through the pictures and masks of a dataset."""
