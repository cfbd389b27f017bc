"""Render a recipe into a Containerfile, and the files that it needs.

There are four forms. Without dependencies, only files are copied. With dependencies, packages
are installed in a first stage and copied to the second one. If RUN can mount a folder of the
context, they are installed in a single stage instead: copying an environment takes seconds and
disk space for each gigabyte, and podman and buildah read it again in each build, even if
everything is cached. Or they are installed before the build, in a container of the base image that
becomes the base of the Containerfile.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field, replace
from importlib.resources import files as packaged_files
from pathlib import Path
from string import Template
from typing import Final

from keynet.errors import ContextInvalid
from keynet.frozen import frozen
from keynet.plan import HostNetwork, Recipe
from keynet.runtime.build.install_files import (
    FOLDER,
    LAYER,
    PREFIX,
    UV,
    UV_IMAGE,
    build_files,
    command,
    have_logins,
)
from keynet.runtime.build.uv_program import UvProgram
from keynet.text import _, fill

__all__ = [
    "Rendered",
    "is_user",
    "on_packages",
    "one_stage",
    "packages",
    "two_stages",
]

_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
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
COPY build/ {FOLDER}/
${{copy_uv}}RUN {json.dumps(command(LAYER))}

# Nothing of the host's network (certificates, proxies, package index) is in this second stage.
FROM ${{base}}
COPY --from=dependencies {LAYER}/ /
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_COPY_UV: Final = f"COPY --from={{image}} /{UV} {UV_IMAGE}/{UV}\n"
_ONE_STAGE: Final = f"""\
FROM ${{base}}
USER 0
RUN --mount=type=bind,source=build,target={FOLDER} \
${{mount_uv}}["python3", "-B", "{FOLDER}/install.py", "", "${{fingerprint}}"]
USER ${{user}}
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_ON_PACKAGES: Final = f"""\
FROM ${{packages}}
ENV PATH="{PREFIX}/bin:$${{PATH:-{_DEFAULT_PATH}}}"
"""
_MOUNT_UV: Final = f"--mount=type=bind,from={{image}},target={UV_IMAGE} "


@frozen
class Rendered:
    """A Containerfile, and the files of its context next to the user's own.

    The context of a recipe has the folders ``context/`` (the user's files) and ``build/``.
    ``build_files`` are the files of ``build/`` by relative path: their content, or the ``Path`` of
    a file in keynet's cache. Those in ``executables`` get mode 0755, the others 0644. ``links``
    are the symbolic links of ``build/`` with their targets, which are paths in the image.
    ``stage_has_logins`` where the images of the first stage hold a password of the package index or
    of a proxy: they must not be kept.
    """

    text: str
    build_files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    executables: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    stage_has_logins: bool = False


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
    sent, _fingerprint = build_files(recipe, network, uv)
    copy_uv = _COPY_UV.format(image=uv.image) if uv is not None and uv.image else ""
    text = _fill_template(recipe, _TWO_STAGES, copy_uv=copy_uv)
    return Rendered(text, sent, frozenset({UV}), stage_has_logins=have_logins(sent))


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
    if not recipe.dependencies.files or not is_user(user):
        return None
    sent, fingerprint = build_files(recipe, network, uv)
    mount_uv = _MOUNT_UV.format(image=uv.image) if uv is not None and uv.image else ""
    text = _fill_template(
        recipe, _ONE_STAGE, user=user or "0", fingerprint=fingerprint, mount_uv=mount_uv
    )
    return Rendered(text, sent, frozenset({UV}))


def packages(recipe: Recipe, network: HostNetwork, uv: UvProgram | None) -> tuple[Rendered, str]:
    """Render what ``install_files.command`` needs, and a hash of the dependencies.

    Args:
        uv: The program that installs, which is sent whether the engine has its image or not; None
            leaves it to pip.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    whole = replace(uv, image="") if uv is not None else None
    files, fingerprint = build_files(recipe, network, whole)
    return Rendered("", files, frozenset({UV})), fingerprint


def is_user(user: str) -> bool:
    """Report whether a USER instruction can have this user of an image's config."""
    return _USER.fullmatch(user or "0") is not None


def on_packages(recipe: Recipe, image: str) -> Rendered:
    """Render the form on an image that has the packages already, and the user of its base.

    Args:
        image: What FROM names.
    """
    return Rendered(_fill_template(recipe, _ON_PACKAGES, packages=image))


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
    packaged = packaged_files("keynet") / "Containerfile.template"
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
