"""Files of keynet's own: where they go, and how they are read and written safely."""
