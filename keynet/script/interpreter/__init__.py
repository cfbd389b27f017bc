"""An abstract interpreter of Python: follows a script without running it."""
