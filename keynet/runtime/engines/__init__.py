"""One module for each engine, with everything that is its own."""
