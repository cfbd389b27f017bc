"""Libraries that derive arguments from fields of classes or parameters."""
