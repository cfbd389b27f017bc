"""Find the engines that really work on this host, and why the others do not."""
