"""The builder without an engine: layers from wheels and files, on a base that stays remote."""
