"""Image archives (docker save and OCI), read in place and written atomically."""
