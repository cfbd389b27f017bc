"""Lists that a registry gives: repositories, tags and what refers to an image."""
