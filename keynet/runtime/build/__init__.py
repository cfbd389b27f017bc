"""What the builds of all engines share: rendering, staging, logs, layer cache."""
