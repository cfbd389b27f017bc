"""Find what keynet has left on this machine, and remove it."""
