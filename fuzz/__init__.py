"""Files and texts of strangers, changed at random until something breaks: see README.md."""
