"""Commands that read scripts and images, and change nothing."""
