"""The verbs (push, build, login, …): they connect the other rooms.

They never use a terminal: the command line shows their events and results.
"""
