"""Render a recipe into a Containerfile, and the files that it needs.

There are three forms. Without dependencies, only files are copied. With dependencies, packages
are installed in a first stage and copied to the second one. If RUN can mount a folder of the
context, they are installed in a single stage instead: copying an environment takes seconds and
disk space for each gigabyte, and podman and buildah read it again in each build, even if
everything is cached.
"""

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
from keynet.text import _, fill

__all__ = ["PREFIX", "Rendered", "one_stage", "two_stages"]

# Not /opt/venv: some bases have their own environment there.
PREFIX: Final = "/opt/keynet"
# Where install.py finds the build files.
_BUILD_FILES: Final = "/keynet"
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIP: Final = "pip.zip"
# Build files that decide how the index is reached, but not what is installed.
_NETWORK_FILES: Final = ("ca.pem", "proxies.json")
_URL_LOGIN: Final = re.compile(rb"://[^/@\s]*@")
# Last on the PATH, so that it is used only if the base has no program ``python``.
_PYTHON_WRAPPER: Final = b'#!/bin/sh\nexec python3 "$@"\n'
# What the USER instruction accepts. A user from an image's config is not trusted.
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")

_COPY_ONLY: Final = f"""\
FROM ${{base}}
COPY build/ {PREFIX}/
ENV PATH="$${{PATH:-{_DEFAULT_PATH}}}:{PREFIX}/bin"
"""
_TWO_STAGES: Final = f"""\
FROM ${{base}} AS dependencies
USER 0
COPY build/ {_BUILD_FILES}/
RUN ["python3", "{_BUILD_FILES}/install.py"]

# Nothing of the host's network (certificates, proxies, package index) is in this second stage.
FROM ${{base}}
COPY --from=dependencies {PREFIX}/ {PREFIX}/
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_ONE_STAGE: Final = f"""\
FROM ${{base}}
USER 0
RUN --mount=type=bind,source=build,target={_BUILD_FILES} \
["python3", "-B", "{_BUILD_FILES}/install.py", "${{fingerprint}}"]
USER ${{user}}
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A Containerfile, and the files of its context next to the user's own.

    The context of a recipe has the folders ``context/`` (the user's files) and ``build/``.
    ``build_files`` are the files of ``build/`` by relative path: their content, or the ``Path`` of
    a file in keynet's cache. Those in ``executables`` get mode 0755, the others 0644.
    """

    text: str
    build_files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    executables: frozenset[str] = frozenset()


def two_stages(recipe: Recipe, network: HostNetwork) -> Rendered:
    """Render the form that every engine can build; equal input gives equal bytes.

    Without dependencies it has no RUN, for engines that can only COPY.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files:
        python = "bin/python"
        return Rendered(
            _fill_template(recipe, _COPY_ONLY), {python: _PYTHON_WRAPPER}, frozenset({python})
        )
    build_files, _fingerprint = _build_files(recipe, network)
    return Rendered(_fill_template(recipe, _TWO_STAGES), build_files)


def one_stage(recipe: Recipe, network: HostNetwork, user: str) -> Rendered | None:
    """Render the form for engines whose RUN can mount a folder of the context.

    Its RUN has a hash of the dependencies as an argument, because engines ignore the content of
    mounts when they look up their layer cache.

    Args:
        user: The base image's user, "" for root.

    Returns:
        None if there is nothing to install, or if the user is not valid in a USER instruction.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files or not _USER.fullmatch(user or "0"):
        return None
    build_files, fingerprint = _build_files(recipe, network)
    text = _fill_template(recipe, _ONE_STAGE, user=user or "0", fingerprint=fingerprint)
    return Rendered(text, build_files)


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


def _build_files(recipe: Recipe, network: HostNetwork) -> tuple[dict[str, bytes | Path], str]:
    """Return the files for install.py, and a hash of what decides the packages."""
    contents: dict[str, bytes | Path] = {
        **recipe.dependencies.files,
        "install.py": (files("keynet.runtime.build") / "install.py").read_bytes(),
        "paths.json": _json([_inside(recipe, path) for path in recipe.dependencies.import_paths]),
        "proxies.json": _json({k: v.reveal() for k, v in network.proxies.items()}),
    }
    if network.ca_bundle is not None:
        contents["ca.pem"] = network.ca_bundle
    if network.pip_conf is not None:
        contents["pip.conf"] = network.pip_conf.reveal().encode()
    pip = pip_archive.build(places.cache())
    digest = hashlib.sha256(pip.content).hexdigest().encode()
    return {**contents, _PIP: pip.path or pip.content}, _hash({**contents, _PIP: digest})


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
