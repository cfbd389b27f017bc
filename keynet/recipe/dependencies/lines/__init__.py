"""The lines of a requirements file: how pip reads them, what they refer to, what is wrong."""
