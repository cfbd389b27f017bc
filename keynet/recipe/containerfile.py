"""The Containerfile: rendered from the template, or the user's own, read and checked."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.files.disk_cache import kept
from keynet.oci.reference import Reference
from keynet.plan import GeneratedContainerfile, HostNetwork, UserContainerfile
from keynet.recipe import instructions, pip_archive
from keynet.recipe.dependencies import NETWORK_FILES, PIP, Dependencies, build_files
from keynet.recipe.instructions import bases, has_run
from keynet.recipe.requirements import STAGE, WORKSPACE
from keynet.text import _, fill

__all__ = ["PREFIX", "Template", "bases", "command", "generate", "has_run", "load", "read"]

# Not /opt/venv: bases exist that keep their own environment there.
PREFIX: Final = "/opt/keynet"
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Stand in the rendered forms for what is filled in later.
_BASE: Final = "\x01base\x01"
_COMMAND: Final = "\x01command\x01"
_MOUNTED: Final = "\x01mounted\x01"
_LARGEST: Final = 1_000_000
_URL_LOGIN: Final = re.compile(rb"://[^/@\s]*@")

# Last on the PATH, so that it serves only where the base has no program of that name.
_PYTHON: Final = b'#!/bin/sh\nexec python3 "$@"\n'


@dataclass(frozen=True, slots=True)
class Template:
    """The three forms of the recipe, rendered but for what one script decides; and pip, zipped.

    ``pip`` is where it is kept, else its bytes; ``pip_digest`` is its SHA-256, in hexadecimal
    digits.
    """

    copying: str
    staged: str
    mounting: str
    pip: bytes | Path = field(repr=False)
    pip_digest: str


def load(folder: Path | None = None) -> Template:
    """Give what all recipes have in common.

    Args:
        folder: Where what is long to make is kept from one call to the next; see ``kept``.

    Raises:
        KeynetError: keynet's own pip is not installed.
    """
    source = _source()
    constants = {
        "base": _BASE,
        "user_argument": GeneratedContainerfile.USER_ARGUMENT,
        "stage": STAGE,
        "prefix": PREFIX,
        "workspace": WORKSPACE,
        "default_path": _DEFAULT_PATH,
        "command": _COMMAND,
    }
    key = hashlib.sha256(json.dumps([source, constants]).encode()).hexdigest()
    forms = kept(folder, "recipe", f"{key[:16]}.json", lambda: _render(source, constants))
    pip = pip_archive.build(folder)
    return Template(
        **json.loads(forms.content),
        pip=pip.path or pip.content,
        pip_digest=hashlib.sha256(pip.content).hexdigest(),
    )


def _render(source: str, constants: Mapping[str, str]) -> bytes:
    """Render the three forms, as JSON; loading jinja2 takes longer than all the rest."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  no HTML: command() quotes, the others have a grammar
    )
    template = environment.from_string(source)
    forms = {
        "copying": template.render(**constants, installs=False, mounted=""),
        "staged": template.render(**constants, installs=True, mounted=""),
        "mounting": template.render(**constants, installs=True, mounted=_MOUNTED),
    }
    return json.dumps(forms).encode()


def generate(
    base: Reference,
    entrypoint: str,
    dependencies: Dependencies,
    network: HostNetwork,
    template: Template,
) -> GeneratedContainerfile:
    """Write the Containerfile for a staged context; the same input gives the same bytes.

    Without dependencies it has no RUN, so that engines that can only COPY build it too.
    The one-stage form names a hash of the dependencies in its RUN: engines do not look into
    what is mounted when they ask their cache.

    Args:
        entrypoint: Path inside the context, with ``/``.
    """

    def filled(form: str, mounted: str = "") -> str:
        # No value has the marks' control characters in it.
        marks = {_BASE: str(base), _COMMAND: command(entrypoint), _MOUNTED: mounted}
        for mark, value in marks.items():
            form = form.replace(mark, value)
        return form

    if not dependencies.files:
        python = "bin/python"
        text = filled(template.copying)
        return GeneratedContainerfile(text, {python: _PYTHON}, frozenset({python}))
    contents = build_files(dependencies, network)
    digested = {**contents, PIP: template.pip_digest.encode()}
    mounting = filled(template.mounting, _fingerprint(digested))
    return GeneratedContainerfile(
        filled(template.staged), {**contents, PIP: template.pip}, mounting=mounting
    )


def command(entrypoint: str) -> str:
    """Write ``python ENTRYPOINT`` in CMD's JSON form, on one line of printable characters."""
    # Python would take a leading dash for an option of its own.
    script = f"./{entrypoint}" if entrypoint.startswith("-") else entrypoint
    written = json.dumps(["python", script], ensure_ascii=False)
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in written
    )


def _fingerprint(contents: Mapping[str, bytes]) -> str:
    """Hash what decides which packages are installed.

    Certificates, proxies and passwords in URLs are left out: a token that changes every
    hour installs nothing again, and a hash in the history lets nobody guess one.
    """
    whole = hashlib.sha256()
    for name, content in sorted(contents.items()):
        if name in NETWORK_FILES:
            continue
        if name.endswith((".txt", ".conf")):
            content = _URL_LOGIN.sub(b"://", content)  # noqa: PLW2901
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return f"sha256:{whole.hexdigest()}"


def read(path: Path) -> UserContainerfile:
    """Read the user's own Containerfile.

    Raises:
        ContextInvalid: It is missing, no file, no UTF-8, too large or has no FROM.
    """
    text = _text(path)
    if not any(instruction.name == "FROM" for instruction in instructions.parse(text)):
        raise _unusable(path, _("has no FROM instruction"))
    mounting = ""
    # A mount of the user's own there stays what it is.
    if f"={UserContainerfile.PIP_FOLDER}" not in text:
        mounting = instructions.with_run_flags(text, UserContainerfile.MOUNTS)
    return UserContainerfile(path, text, mounting)


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise _unusable(path, _("is a directory"))
        content = limited_read.read(path, _LARGEST)
        if content is None:
            raise _unusable(path, _("is larger than 1 MB"))
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise _unusable(path, _("does not exist")) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, _("is not UTF-8")) from error
    except OSError as error:
        reason = fill(_("cannot be read: {why}"), why=error.strerror or error)
        raise _unusable(path, reason) from error


def _unusable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("The Containerfile {given} ({resolved}) cannot be used: it {reason}."),
            given=path,
            resolved=path.absolute(),
            reason=reason,
        ),
        _("Check the path given with --dockerfile, or leave it out: keynet writes one itself."),
    )


def _source() -> str:
    """Give the template: from the wheel, else from the checkout that holds this package."""
    packaged = files("keynet") / "Containerfile.template"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "Containerfile.template").read_text(encoding="utf-8")
