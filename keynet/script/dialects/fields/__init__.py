"""Libraries that derive arguments from the fields of a class or the parameters of a function."""
