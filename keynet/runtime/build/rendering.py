"""From a recipe to the Containerfile that an engine builds, and the files that go with it.

There are three forms. Without dependencies only files are copied. With them, packages are
installed in a first stage and copied, or, where RUN can mount a folder of the context, installed
in a single stage: copying a whole environment takes seconds and room for each gigabyte, and
podman and buildah read it again for each build, even when all of it is cached.
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

from keynet.files import places
from keynet.plan import HostNetwork, Recipe
from keynet.runtime.build import pip_archive

__all__ = ["PREFIX", "Rendered", "one_stage", "two_stages"]

# Not /opt/venv: there are bases that keep their own environment there.
PREFIX: Final = "/opt/keynet"
# Where the stage that installs finds the build files.
_STAGE: Final = "/keynet"
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIP: Final = "pip.zip"
# Build files that say how to reach the index, not what is installed.
_NETWORK_FILES: Final = ("ca.pem", "proxies.json")
_URL_LOGIN: Final = re.compile(rb"://[^/@\s]*@")
# Last on the PATH, so that it serves only where the base has no program of that name.
_PYTHON: Final = b'#!/bin/sh\nexec python3 "$@"\n'
# As the USER instruction takes it; what an image's config says is not to be trusted.
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?")

_COPIED: Final = f"""\
FROM ${{base}}
COPY build/ {PREFIX}/
ENV PATH="$${{PATH:-{_DEFAULT_PATH}}}:{PREFIX}/bin"
"""
_TWO_STAGES: Final = f"""\
FROM ${{base}} AS dependencies
USER 0
COPY build/ {_STAGE}/
RUN ["python3", "{_STAGE}/install.py"]

# Nothing of the host's network (certificates, proxies, package index) is in this second stage.
FROM ${{base}}
COPY --from=dependencies {PREFIX}/ {PREFIX}/
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_ONE_STAGE: Final = f"""\
FROM ${{base}}
USER 0
RUN --mount=type=bind,source=build,target={_STAGE} \
["python3", "-B", "{_STAGE}/install.py", "${{fingerprint}}"]
USER ${{user}}
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A Containerfile whose context holds ``context/`` (the user's files) and ``build/``.

    ``build_files`` are those of ``build/`` by relative path, a ``Path`` for one that lies in
    keynet's own cache; ``executables`` names those of them that are staged with mode 0755
    instead of 0644.
    """

    text: str
    build_files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    executables: frozenset[str] = frozenset()


def two_stages(recipe: Recipe, network: HostNetwork) -> Rendered:
    """Render the form that every engine builds; the same input gives the same bytes.

    Without dependencies it has no RUN, so that engines that can only COPY build it too.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files:
        python = "bin/python"
        return Rendered(_filled(recipe, _COPIED), {python: _PYTHON}, frozenset({python}))
    build_files, _fingerprint = _build_files(recipe, network)
    return Rendered(_filled(recipe, _TWO_STAGES), build_files)


def one_stage(recipe: Recipe, network: HostNetwork, user: str) -> Rendered | None:
    """Render the form for engines whose RUN can mount a folder of the context.

    Its RUN names a hash of the dependencies: engines do not look into what is mounted when
    they consult their cache.

    Args:
        user: That of the base image, "" for root.

    Returns:
        None where there is nothing to install, or the user cannot stand in a USER instruction.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    if not recipe.dependencies.files or not _USER.fullmatch(user or "0"):
        return None
    build_files, fingerprint = _build_files(recipe, network)
    text = _filled(recipe, _ONE_STAGE, user=user or "0", fingerprint=fingerprint)
    return Rendered(text, build_files)


def _filled(recipe: Recipe, dependencies: str, **values: str) -> str:
    """Fill in the template; every value is quoted for its place, or has a grammar of its own."""
    environment = "".join(
        f"ENV {name}={_quoted(value)}\n" for name, value in sorted(recipe.environment.items())
    )
    return Template(_template()).substitute(
        dependencies=Template(dependencies.rstrip()).substitute(base=recipe.base, **values),
        environment=environment,
        workdir=recipe.workdir,
        command=_command(recipe.command),
    )


def _template() -> str:
    """Read the template: from the wheel, else from the checkout that holds this package."""
    packaged = files("keynet") / "Containerfile.template"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "Containerfile.template").read_text(encoding="utf-8")


def _command(command: tuple[str, ...]) -> str:
    """Write CMD's JSON form, on one line of printable characters."""
    written = json.dumps(command, ensure_ascii=False)
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in written
    )


def _quoted(value: str) -> str:
    """Quote a value for ENV, where ``$`` and a backslash mean something inside of quotes."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


def _build_files(recipe: Recipe, network: HostNetwork) -> tuple[dict[str, bytes | Path], str]:
    """Return what the stage that installs sees, and the hash of what decides the packages."""
    contents = {
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


def _hash(contents: Mapping[str, bytes]) -> str:
    """Hash what decides which packages are installed.

    Certificates, proxies and passwords in URLs are left out: a token that changes every
    hour installs nothing again, and nobody can guess one from a hash in the history.
    """
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        if name in _NETWORK_FILES:
            continue
        if name.endswith((".txt", ".conf")):
            content = _URL_LOGIN.sub(b"://", content)  # noqa: PLW2901
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return f"sha256:{whole.hexdigest()}"
