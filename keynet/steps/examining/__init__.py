"""What ``keynet doctor`` examines: this machine, its engines, the login and the platform."""
