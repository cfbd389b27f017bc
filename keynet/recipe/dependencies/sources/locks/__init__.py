"""Locks of Poetry, PDM and Rye, next to the pyproject.toml that they belong to."""
