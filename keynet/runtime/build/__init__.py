"""Shared by the builds of all engines: rendering, staging, logs, layer cache, login files."""
