"""podman and buildah, which share their builder, their store and their settings."""
