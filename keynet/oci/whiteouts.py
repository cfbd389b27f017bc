"""Names of files in a layer that delete others.

Source: OCI image specification, "Whiteouts".
"""

from typing import Final

__all__ = ["OPAQUE", "WHITEOUT"]

# Before the name of what is deleted.
WHITEOUT: Final = ".wh."
# Deletes all that lower layers have in its folder.
OPAQUE: Final = ".wh..wh..opq"
