"""Model files: what they say of themselves, where they lie, and how they are run."""
