"""What an archive may be besides a file: a pipe, a folder, one with two layouts, none at all."""
