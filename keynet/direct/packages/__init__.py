"""The packages: chosen and fetched by uv, placed as an installer would."""
