"""What an image is made of, and what others share with it."""
