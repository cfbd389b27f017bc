"""OCI values: references, digests, descriptors, images. Standard library only."""
