"""Will it train? What is known beforehand to fail when the image starts."""
