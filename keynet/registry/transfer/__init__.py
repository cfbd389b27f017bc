"""Blobs and images on their way to and from a registry."""
