"""OCI layouts, in folders and archives, as sources and targets of a copy."""
