"""Can the packages be installed on the base? Asked of uv on this host, before the upload key."""
