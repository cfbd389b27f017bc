"""Copies of images between registries, folders and archives."""
