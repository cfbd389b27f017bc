"""The script's own file and the project files around it."""
