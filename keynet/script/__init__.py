"""Read a training script statically: its hyperparameters and its decorators."""
