"""The contents of an image: context, ignore rules, dependencies, network of the build."""
