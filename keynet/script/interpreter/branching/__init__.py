"""Statements that may go on in several ways: conditions, loops, ``match``, ``try``."""
