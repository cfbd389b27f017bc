"""What goes into an image: context, ignore rules, dependencies, the network of its build."""
