"""An abstract interpreter of Python: it follows a script without running it."""
