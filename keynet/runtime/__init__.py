"""Container engines: shells out to docker, podman and buildah."""
