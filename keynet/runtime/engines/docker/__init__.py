"""docker: its daemon, BuildKit, and remote builders of buildx."""
