"""Knowledge of Python itself: built-in functions, classes, the standard library."""
