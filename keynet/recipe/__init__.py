"""The contents of an image: context, ignore rules, dependencies, host network."""
