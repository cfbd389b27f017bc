"""Containers of podman and buildah: runs, and what builds and runs have left."""
