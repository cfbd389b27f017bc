"""Files: where keynet keeps its own, and how any file is read and replaced safely."""
