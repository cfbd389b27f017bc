"""An asynchronous client of OCI registries. Source: SPEC 7."""
