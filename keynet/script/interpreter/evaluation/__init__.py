"""What operations on known values give: attributes, items, methods, operators."""
