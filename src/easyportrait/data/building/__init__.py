"""The steps of a build (build.py), each a file."""
