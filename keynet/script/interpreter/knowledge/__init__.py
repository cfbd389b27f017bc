"""What the interpreter knows of Python itself: built-ins, classes, the standard library."""
