"""The end of a run: what it made is copied out, and its container removed."""
