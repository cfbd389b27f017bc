"""The sandbox's own registry: OCI distribution 1.1 with its files on disk."""
