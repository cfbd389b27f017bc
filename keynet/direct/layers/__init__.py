"""Layers: written to the same bytes everywhere, kept by content, mounted where they are."""
