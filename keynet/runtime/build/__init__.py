"""What builds with any engine share: the staged context, logs, layer caches, credentials."""
