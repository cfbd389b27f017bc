"""Build an image again from its lock, and compare."""
