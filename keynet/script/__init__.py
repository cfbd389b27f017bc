"""Read a training script without running it: hyperparameters and decorators."""
