"""A registry as a cache of layers, for machines with an empty disk."""
