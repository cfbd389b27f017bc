"""What runs inside a build, with the base image's Python: standard library only, Python 3.6."""
