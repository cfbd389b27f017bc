"""What an image is made of, from its layers' files; nothing is unpacked or run."""
