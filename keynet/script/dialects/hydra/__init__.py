"""Hydra: a command line made of a tree of configuration files and structured configurations."""
