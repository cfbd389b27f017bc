"""Images in files: docker save and OCI archives, read in place and written atomically."""
