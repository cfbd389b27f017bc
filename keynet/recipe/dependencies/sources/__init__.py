"""The files that declare dependencies: one module each, which gives one value."""
