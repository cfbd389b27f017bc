"""Requirements of which only some have hashes."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from tests.tables import table

from ..projects import find, write

HASH = f"--hash=sha256:{'a' * 64}"


@table(
    "text",
    [
        f"six==1.16.0 {HASH}\nattrs\n",
        f"attrs[x]>=1\nsix==1.16.0 \\\n  {HASH}\n",
        "--require-hashes\nattrs\n",
        f"-r more.txt\nsix==1.16.0 {HASH}\n",
    ],
)
def test_a_requirement_without_a_hash_among_others_costs_no_key(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"requirements.txt": text, "more.txt": "attrs\n"})
    with pytest.raises(ContextInvalid, match=r"attrs.* has no hash, but hashes are required"):
        find(tmp_path)


@table(
    "text",
    [
        f"six==1.16.0 {HASH}\nattrs; sys_platform == 'win32'\n",
        f"six==1.16.0 {HASH}\nattrs @ https://h.example/a-1.whl#sha256={'a' * 64}\n",
        f"-c limits.txt\nsix==1.16.0 {HASH}\nattrs\n",
        f"Attrs==1 {HASH}\nattrs\n",
        "six\nattrs\n",
    ],
)
def test_what_an_installer_may_accept_is_left_to_it(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"requirements.txt": text, "limits.txt": f"attrs==1 {HASH}\nwheel==1\n"})
    find(tmp_path)
