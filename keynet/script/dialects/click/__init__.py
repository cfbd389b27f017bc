"""click, and typer, which is built on it."""
