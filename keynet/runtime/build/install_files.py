"""The files with which dependencies are installed in a build, and what identifies their packages.

They are at ``FOLDER`` while install.py runs there with the base's Python.
"""

import functools
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.plan import HostNetwork, Recipe
from keynet.runtime.build import pip_archive
from keynet.runtime.build.uv_program import UvProgram

__all__ = ["FOLDER", "LAYER", "PREFIX", "UV", "UV_IMAGE", "build_files", "command", "have_logins"]

# Not /opt/venv: some bases have their own environment there.
PREFIX: Final = "/opt/keynet"
FOLDER: Final = "/keynet"
# Where a mounted image of uv is, and what is copied to the second of two stages.
UV_IMAGE: Final = "/keynet-uv"
LAYER: Final = "/keynet-layer"
UV: Final = "uv"
_PIP: Final = "pip.zip"
# Build files that decide how the index is reached, but not what is installed.
_NETWORK_FILES: Final = ("ca.pem", "netrc", "proxies.json")
_URL_LOGIN: Final = re.compile(rb"://[^/@\s]*@")
_REMOVING: Final = "--remove-build-files"
# What runs in the build is imported there by the names that it has here.
_INSIDE: Final = "keynet.runtime.build.inside"
_START: Final = f"""\
import sys
from pathlib import Path

if __name__ == "__main__":
    # Not the current folder, nor one that PYTHONPATH names.
    sys.path.insert(0, "{FOLDER}")
    from {_INSIDE} import install

    layer = Path(sys.argv[1]) if sys.argv[1] else None
    sent, mounted = Path("{FOLDER}/{UV}"), Path("{UV_IMAGE}/{UV}")
    uv = mounted if mounted.exists() else sent
    status = install.main(Path("{FOLDER}"), Path("{PREFIX}"), uv, layer)
    if "{_REMOVING}" in sys.argv:
        # They were copied, and this layer shall not have them.
        import shutil
        shutil.rmtree("{FOLDER}")
    sys.exit(status)
"""


def command(layer: str = "", key: str = "", *, removing: bool = False) -> tuple[str, ...]:
    """Return the program that installs, for RUN or a container.

    Args:
        layer: See ``inside.install.main``; "" for None.
        key: An argument that it ignores.
        removing: Remove the build files afterwards.
    """
    program = ("python3", "-B", f"{FOLDER}/install.py", layer)
    return (*program, *([key] if key else []), *([_REMOVING] if removing else []))


def build_files(
    recipe: Recipe, network: HostNetwork, uv: UvProgram | None
) -> tuple[dict[str, bytes | Path], str]:
    """Return the files for install.py, and a hash of what decides the packages."""
    dependencies = recipe.dependencies
    installer = {"installer": recipe.installer, "pip_because": dependencies.pip_only}
    contents: dict[str, bytes | Path] = {
        **dependencies.files,
        **_programs(),
        "paths.json": _json([_inside(recipe, path) for path in dependencies.import_paths]),
        "proxies.json": _json({k: v.reveal() for k, v in network.proxies.items()}),
        "installer.json": _json(installer),
    }
    if network.ca_bundle is not None:
        contents["ca.pem"] = network.ca_bundle
    if network.pip_conf is not None:
        contents["pip.conf"] = network.pip_conf.reveal().encode()
    if network.netrc is not None:
        contents["netrc"] = network.netrc.reveal().encode()
    pip = pip_archive.build(places.cache())
    key = uv.key.encode() if uv is not None else b""
    sent: dict[str, bytes | Path] = {_PIP: pip.content}
    if uv is not None and not uv.image:
        sent[UV] = uv.path
    return {**contents, **sent}, _hash({**contents, _PIP: pip.key.encode(), UV: key})


def have_logins(sent: Mapping[str, bytes | Path]) -> bool:
    """Report whether one of the build files has a login, by itself or in a URL."""
    if "netrc" in sent:
        return True
    contents = (content for content in sent.values() if isinstance(content, bytes))
    return any(_URL_LOGIN.search(content) for content in contents)


@functools.cache
def _programs() -> Mapping[str, bytes]:
    """Return what runs in the build, by path."""
    folders = _INSIDE.split(".")
    found = {"/".join([*folders[:n], "__init__.py"]): b"" for n in range(1, len(folders))}
    found["install.py"] = _START.encode()
    for file in files(_INSIDE).iterdir():
        if file.name.endswith(".py"):
            found["/".join([*folders, file.name])] = file.read_bytes()
    return found


def _inside(recipe: Recipe, path: str) -> str:
    return posixpath.normpath(posixpath.join(recipe.workdir, path))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode()


def _hash(contents: Mapping[str, bytes | Path]) -> str:
    """Hash what decides which packages are installed.

    Certificates, proxies and logins in URLs are left out: a token that changes every hour must
    not cause a new installation, nor be guessable from a hash in the image's history.
    """
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        if name in _NETWORK_FILES:
            continue
        if isinstance(content, Path):
            # A copy in keynet's cache, whose folder is named by its hash.
            content = content.parent.name.encode()  # noqa: PLW2901
        if name.endswith((".txt", ".conf", ".toml")):
            content = _URL_LOGIN.sub(b"://", content)  # noqa: PLW2901
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return f"sha256:{whole.hexdigest()}"
