"""What is in a layer, read as a stream."""
