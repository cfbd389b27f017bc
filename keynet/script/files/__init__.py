"""The script's own file and the other files of its project."""
