"""Container engines: build and push by running docker, podman or buildah."""
