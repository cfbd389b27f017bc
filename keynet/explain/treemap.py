"""Place rectangles whose areas are in proportion to sizes.

Source: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).
"""

from collections.abc import Sequence

from keynet.frozen import frozen

__all__ = ["Box", "place"]


@frozen
class Box:
    """A rectangle: its upper left corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    def inner(self, edge: float, top: float) -> "Box":
        """Return what is left inside an edge, with more room at the top."""
        return Box(
            self.x + edge,
            self.y + top,
            max(self.width - 2 * edge, 0.0),
            max(self.height - edge - top, 0.0),
        )


def place(sizes: Sequence[int], box: Box) -> list[Box]:
    """Return a rectangle for each size, all of them in ``box``.

    Args:
        sizes: Positive, the largest first.
    """
    total = sum(sizes)
    if not total or box.width <= 0 or box.height <= 0:
        return [Box(box.x, box.y, 0.0, 0.0) for _each in sizes]
    scale = box.width * box.height / total
    left = [each * scale for each in sizes]
    found: list[Box] = []
    while left:
        side = min(box.width, box.height)
        count = 1
        while count < len(left) and _worst(left[: count + 1], side) <= _worst(left[:count], side):
            count += 1
        row, left = left[:count], left[count:]
        boxes, box = _row(row, box)
        found += boxes
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """Return the largest ratio of the sides in a row along a side of the box."""
    area = sum(row)
    if not area or not side or not row[-1]:
        return float("inf")
    return max(side**2 * row[0] / area**2, area**2 / (side**2 * row[-1]))


def _row(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Place a row along the shorter side; return it and what is left of the box."""
    area = sum(row)
    found = []
    if box.width >= box.height:
        depth = area / box.height if box.height else 0.0
        y = box.y
        for each in row:
            height = each / depth if depth else 0.0
            found.append(Box(box.x, y, depth, height))
            y += height
        return found, Box(box.x + depth, box.y, max(box.width - depth, 0.0), box.height)
    depth = area / box.width
    x = box.x
    for each in row:
        width = each / depth if depth else 0.0
        found.append(Box(x, box.y, width, depth))
        x += width
    return found, Box(box.x, box.y + depth, box.width, max(box.height - depth, 0.0))
