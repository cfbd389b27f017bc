"""The verbs (push, build, login, …): they connect the other rooms and never use a terminal."""
