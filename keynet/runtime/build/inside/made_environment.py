"""The environment with the dependencies, made by hand, and how the base's programs see it.

Source: PEP 405; the documentation of the module ``site``.
"""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

_QUERY = (
    "import json, sys, sysconfig; "
    "print(json.dumps([sysconfig.get_path('purelib'), sysconfig.get_path('platlib'), sys.path]))"
)
# Run by each Python of the base at its start, before its own packages are imported. The new
# folders are moved ahead of the base's, so that both import the same versions.
_PROGRAM = """\
import site, sys
folder = {folder!r}
if sys.prefix != {prefix!r} and folder not in sys.path:
    count = len(sys.path)
    site.addsitedir(folder)
    new = sys.path[count:]
    del sys.path[count:]
    own = [p.endswith(("site-packages", "dist-packages")) for p in sys.path]
    first = own.index(True) if True in own else count
    sys.path[first:first] = new
"""


class Made:
    """An environment: its ``python``, its folder of ``packages``, and its import ``path``."""

    def __init__(self, python: "Path", packages: "Path", path: "list[str]") -> None:
        self.python = python
        self.packages = packages
        self.path = path


def make(prefix: "Path", environment: "dict[str, str]") -> "Made":
    """Create an environment that sees the base's packages: not every base has ``venv``."""
    base = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    (prefix / "lib64").symlink_to("lib")
    (prefix / "pyvenv.cfg").write_text(
        "home = {}\ninclude-system-site-packages = true\nversion = {}.{}.{}\n".format(
            base.parent, *sys.version_info[:3]
        ),
        encoding="utf-8",
    )
    python = prefix / "bin" / "python"
    python.symlink_to(base)
    for name in ("python3", "python{}.{}".format(*sys.version_info[:2])):
        (prefix / "bin" / name).symlink_to("python")
    output = subprocess.check_output([str(python), "-c", _QUERY], env=environment)
    purelib, platlib, path = json.loads(output.decode("utf-8"))
    packages = Path(purelib)
    packages.mkdir(parents=True, exist_ok=True)
    Path(platlib).mkdir(parents=True, exist_ok=True)
    parents = parent_packages()
    add_import_paths(packages / "_keynet_base.pth", parents)
    # As the .pth file orders them: the environment of the base comes before what it is made from.
    return Made(python, packages, [*parents, *path[1:]])


def parent_packages() -> "list[str]":
    """Return the base's package folders if the base is a virtual environment itself."""
    if sys.prefix == sys.base_prefix:
        return []
    paths = sysconfig.get_paths()
    return sorted({paths["purelib"], paths["platlib"]})


def add_import_paths(file: "Path", paths: "list[str]") -> None:
    """Write a .pth file that puts folders at the end of the import path."""
    if paths:
        file.write_text("".join(path + "\n" for path in paths), encoding="utf-8")


def show_to_base(prefix: "Path") -> "list[Path]":
    """Make the base's own programs see the packages; return the files that do it.

    Programs such as torchrun name the base's Python in their first line.
    """
    folder = next(iter(sorted(prefix.glob("lib/python*/site-packages"))))
    file = own_packages() / "keynet.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(base_pth(str(folder), str(prefix)), encoding="utf-8")
    return [file]


def base_pth(folder: str, prefix: str) -> str:
    """Return the .pth file that shows the packages in ``folder`` to the base's Python."""
    program = _PROGRAM.format(folder=folder, prefix=prefix)
    # One line: other lines of a .pth file would be folders.
    return f"import sys; exec({program!r}, {{}})\n"


def own_packages() -> "Path":
    """Return a folder in which the base's Python reads .pth files."""
    purelib = sysconfig.get_paths()["purelib"]
    read: list[str] = getattr(site, "getsitepackages", list)()
    return Path(purelib if purelib in read or not read else read[0])


def move(paths: "list[Path]", layer: "Path") -> None:
    """Move files and folders below ``layer``, under their real absolute paths.

    The folders above them are created there as they are here, since a COPY of ``layer`` sets
    their permissions.
    """
    layer.mkdir()
    for path in paths:
        real = Path(os.path.realpath(str(path)))
        above = layer
        for part in real.parts[1:-1]:
            here = Path("/", *above.relative_to(layer).parts, part)
            above = above / part
            if not above.exists():
                above.mkdir()
                shutil.copystat(str(here), str(above))
                status = here.stat()
                os.chown(str(above), status.st_uid, status.st_gid)
        shutil.move(str(real), str(above / real.name))
