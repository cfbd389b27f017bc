"""Operations on known values: attributes, items, methods, operators."""
