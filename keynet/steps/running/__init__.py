"""From an image and options to the container of a run: what ``steps/run.py`` wires together."""
