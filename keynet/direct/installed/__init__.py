"""What wheels become in an image: their files, byte code and environment, as an installer would."""
