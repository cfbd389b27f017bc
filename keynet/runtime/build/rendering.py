"""Render a recipe into a Containerfile, and the files that it needs.

There are three forms. Without dependencies, only files are copied. With dependencies, packages
are installed in a first stage and copied to the second one. If RUN can mount a folder of the
context, they are installed in a single stage instead: copying an environment takes seconds and
disk space for each gigabyte, and podman and buildah read it again in each build, even if
everything is cached.
"""

import functools
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import places
from keynet.plan import HostNetwork, Recipe
from keynet.runtime.build import pip_archive
from keynet.runtime.build.uv_program import UvProgram
from keynet.text import _, fill

__all__ = ["PREFIX", "Rendered", "one_stage", "two_stages"]

# Not /opt/venv: some bases have their own environment there.
PREFIX: Final = "/opt/keynet"
# Where install.py finds the build files.
_BUILD_FILES: Final = "/keynet"
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where a mounted image of uv is, and what is copied to the second stage.
_UV_IMAGE: Final = "/keynet-uv"
_LAYER: Final = "/keynet-layer"
_PIP: Final = "pip.zip"
_UV: Final = "uv"
# Build files that decide how the index is reached, but not what is installed.
_NETWORK_FILES: Final = ("ca.pem", "proxies.json")
_URL_LOGIN: Final = re.compile(rb"://[^/@\s]*@")
# Last on the PATH, so that it is used only if the base has no program ``python``: a link, for bases
# without a shell, and after it a script, for bases that have Python somewhere else.
_PYTHON_LINK: Final = {"bin/python": "/usr/bin/python3"}
_PYTHON_SCRIPT: Final = b'#!/bin/sh\nexec python3 "$@"\n'
_SCRIPTS: Final = "scripts"
# What the USER instruction accepts. A user from an image's config is not trusted.
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")

_COPY_ONLY: Final = f"""\
FROM ${{base}}
COPY build/ {PREFIX}/
ENV PATH="$${{PATH:-{_DEFAULT_PATH}}}:{PREFIX}/bin:{PREFIX}/{_SCRIPTS}"
"""
_TWO_STAGES: Final = f"""\
FROM ${{base}} AS dependencies
USER 0
COPY build/ {_BUILD_FILES}/
${{copy_uv}}RUN ["python3", "-B", "{_BUILD_FILES}/install.py", "{_LAYER}"]

# Nothing of the host's network (certificates, proxies, package index) is in this second stage.
FROM ${{base}}
COPY --from=dependencies {_LAYER}/ /
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_COPY_UV: Final = f"COPY --from={{image}} /{_UV} {_UV_IMAGE}/{_UV}\n"
_ONE_STAGE: Final = f"""\
FROM ${{base}}
USER 0
RUN --mount=type=bind,source=build,target={_BUILD_FILES} \
${{mount_uv}}["python3", "-B", "{_BUILD_FILES}/install.py", "", "${{fingerprint}}"]
USER ${{user}}
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_MOUNT_UV: Final = f"--mount=type=bind,from={{image}},target={_UV_IMAGE} "
# What runs in the build is imported there by the names that it has here.
_INSIDE: Final = "keynet.runtime.build.inside"
_START: Final = f"""\
import sys
from pathlib import Path

if __name__ == "__main__":
    # Not the current folder, nor one that PYTHONPATH names.
    sys.path.insert(0, "{_BUILD_FILES}")
    from {_INSIDE} import install

    layer = Path(sys.argv[1]) if sys.argv[1] else None
    sent, mounted = Path("{_BUILD_FILES}/{_UV}"), Path("{_UV_IMAGE}/{_UV}")
    uv = mounted if mounted.exists() else sent
    sys.exit(install.main(Path("{_BUILD_FILES}"), Path("{PREFIX}"), uv, layer))
"""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A Containerfile, and the files of its context next to the user's own.

    The context of a recipe has the folders ``context/`` (the user's files) and ``build/``.
    ``build_files`` are the files of ``build/`` by relative path: their content, or the ``Path`` of
    a file in keynet's cache. Those in ``executables`` get mode 0755, the others 0644. ``links``
    are the symbolic links of ``build/`` with their targets, which are paths in the image.
    """

    text: str
    build_files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    executables: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)


def two_stages(recipe: Recipe, network: HostNetwork, uv: UvProgram | None = None) -> Rendered:
    """Render the form that every engine can build; equal input gives equal bytes.

    Without dependencies it has no RUN, for engines that can only COPY.

    Args:
        uv: The program that installs; None leaves it to pip.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files:
        script = f"{_SCRIPTS}/python"
        return Rendered(
            _fill_template(recipe, _COPY_ONLY),
            {script: _PYTHON_SCRIPT},
            frozenset({script}),
            _PYTHON_LINK,
        )
    build_files, _fingerprint = _build_files(recipe, network, uv)
    copy_uv = _COPY_UV.format(image=uv.image) if uv is not None and uv.image else ""
    text = _fill_template(recipe, _TWO_STAGES, copy_uv=copy_uv)
    return Rendered(text, build_files, frozenset({_UV}))


def one_stage(
    recipe: Recipe, network: HostNetwork, user: str, uv: UvProgram | None = None
) -> Rendered | None:
    """Render the form for engines whose RUN can mount a folder of the context.

    Its RUN has a hash of the dependencies as an argument, because engines ignore the content of
    mounts when they look up their layer cache.

    Args:
        user: The base image's user, "" for root.
        uv: The program that installs; None leaves it to pip.

    Returns:
        None if there is nothing to install, or if the user is not valid in a USER instruction.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files or not _USER.fullmatch(user or "0"):
        return None
    build_files, fingerprint = _build_files(recipe, network, uv)
    mount_uv = _MOUNT_UV.format(image=uv.image) if uv is not None and uv.image else ""
    text = _fill_template(
        recipe, _ONE_STAGE, user=user or "0", fingerprint=fingerprint, mount_uv=mount_uv
    )
    return Rendered(text, build_files, frozenset({_UV}))


def _fill_template(recipe: Recipe, dependencies: str, **values: str) -> str:
    """Fill in the template; each value is quoted, or has no character to quote."""
    environment = "".join(
        f"ENV {name}={_quoted(value)}\n" for name, value in sorted(recipe.environment.items())
    )
    return Template(_template()).substitute(
        dependencies=Template(dependencies.rstrip()).substitute(base=recipe.from_name, **values),
        environment=environment,
        workdir=recipe.workdir,
        command=_command(recipe.command),
    )


def _template() -> str:
    """Read the template from the wheel, or from the checkout of this package."""
    packaged = files("keynet") / "Containerfile.template"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "Containerfile.template").read_text(encoding="utf-8")


def _command(command: tuple[str, ...]) -> str:
    """Return the JSON form of CMD, on one line of printable characters."""
    written = json.dumps(command, ensure_ascii=False)
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in written
    )


def _quoted(value: str) -> str:
    """Quote a value for ENV, where ``$`` and backslash are special inside quotes."""
    if set("\n\r\0") & set(value):
        # A Containerfile has no way to write a line break in a value.
        raise ContextInvalid(
            fill(_("The environment of the image cannot hold {value!r}."), value=value),
            _("Use one line."),
        )
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


def _build_files(
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
    pip = pip_archive.build(places.cache())
    key = uv.key.encode() if uv is not None else b""
    sent: dict[str, bytes | Path] = {_PIP: pip.content}
    if uv is not None and not uv.image:
        sent[_UV] = uv.path
    return {**contents, **sent}, _hash({**contents, _PIP: pip.key.encode(), _UV: key})


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
        if name.endswith((".txt", ".conf")):
            content = _URL_LOGIN.sub(b"://", content)  # noqa: PLW2901
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return f"sha256:{whole.hexdigest()}"
