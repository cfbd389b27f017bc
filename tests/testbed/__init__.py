"""Real registries, engines and users that the tests start and end by themselves."""
