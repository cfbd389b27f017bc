"""The packages of a project: one module for each kind of file that lists them."""
