"""The verbs: wire the parts together, know no terminal."""
