"""The packages: chosen and fetched by uv, with the documents about them."""
