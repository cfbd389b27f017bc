"""One module for each way of declaring a command line."""
