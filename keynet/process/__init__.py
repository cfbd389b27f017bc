"""Start programs, read their output and end what they leave behind."""
