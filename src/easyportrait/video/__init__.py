"""Video: frames in, frames out, with sound, timing and uprightness kept."""
