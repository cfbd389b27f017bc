"""The OCI's values: references, digests, descriptors, images. Pure; standard library only."""
