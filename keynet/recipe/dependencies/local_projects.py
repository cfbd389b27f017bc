"""Projects of the context: not built, but imported from it, with their metadata in a stub wheel."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import field

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.frozen import frozen
from keynet.recipe.dependencies import stub_wheel
from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.folder import Folder, invalid
from keynet.recipe.dependencies.project_metadata import Metadata
from keynet.recipe.dependencies.sources import pyproject, setup_files
from keynet.text import _, fill, printable

__all__ = ["LocalProject", "describe", "import_paths", "import_paths_of"]


@frozen
class LocalProject:
    """A project of the context.

    ``import_paths`` are relative to its folder. ``wheel`` is the name and content of its stub,
    None if its name is not known. ``further`` are further lines of a requirements file, relative
    to its folder, for dependencies that metadata cannot express; ``lines`` are all requirements,
    and ``pins`` those of ``Metadata``.
    """

    name: str
    version: str
    import_paths: tuple[str, ...]
    wheel: tuple[str, bytes] | None = field(repr=False)
    further: tuple[str, ...]
    lines: tuple[str, ...]
    pins: Mapping[str, str]
    notices: tuple[Notice, ...]


def describe(
    folder: Folder, extras: tuple[str, ...], where: str, image_folder: str, *, alone: bool = False
) -> LocalProject:
    """Describe the project in a folder.

    Args:
        extras: Those to install.
        where: The line that names it, for messages.
        image_folder: Where the folder will be in the image.
        alone: Leave its dependencies out: a lock file lists them.

    Raises:
        ContextInvalid: There is no project, or its files are not valid.
    """
    found = _metadata(folder, sourced=not alone)
    if found is None:
        raise ContextInvalid(
            fill(
                _("{where}: {path} has no pyproject.toml, setup.cfg or setup.py of a project."),
                where=where,
                path=folder.where(),
            ),
            _("Remove the line, or list the dependencies in a requirements file instead.")
            if folder.names()
            else _("The folder is empty. If it is a submodule: git submodule update --init"),
        )
    own = canonical(found.name)
    known = {canonical(name): name for name in found.extras}
    for extra in extras:
        if canonical(extra) not in known and not found.computed:
            raise invalid(
                folder.where(found.files[0]),
                fill(_("it has no extra {extra!r}"), extra=printable(extra, 100)),
            )
    requires = [] if alone else list(found.requires)
    wanted = [
        line for extra in extras for line in found.extras.get(known.get(canonical(extra), ""), ())
    ]
    further = [line for line in [*requires, *([] if alone else wanted)] if _is_local(line)]
    plain = tuple(line for line in requires if not _is_local(line))
    renamed = tuple(
        (name, posixpath.normpath(posixpath.join(image_folder, path)))
        for name, path in found.renamed
    )
    wheel = stub_wheel.build(_without_local(found), plain, renamed) if own else None
    return LocalProject(
        own,
        stub_wheel.version_of(found),
        import_paths(folder, found),
        wheel,
        tuple(further),
        (*plain, *(line for line in wanted if not _is_local(line))),
        found.pins,
        tuple(_notices(found, where)),
    )


def import_paths(folder: Folder, found: Metadata) -> tuple[str, ...]:
    """Return the folders of a project that hold its modules, relative to it."""
    paths = [posixpath.normpath(path) for path in found.import_paths]
    paths = [path for path in paths if not path.startswith(("/", "..")) and folder.is_folder(path)]
    if paths:
        return tuple(dict.fromkeys(paths))
    module = found.name.replace("-", "_").replace(".", "/")
    flat = bool(module) and (folder.is_folder(module) or folder.is_file(f"{module}.py"))
    if folder.is_folder("src"):
        return ("src", ".") if flat else ("src",)
    return (".",)


def import_paths_of(folder: Folder) -> tuple[str, ...]:
    """Return the folders that hold the modules of the project in a folder."""
    found = _metadata(folder, sourced=False)
    return import_paths(folder, Metadata() if found is None else found)


def _metadata(folder: Folder, *, sourced: bool) -> Metadata | None:
    found = None
    if folder.has(pyproject.NAME):
        document = pyproject.document(folder)
        if not sourced:
            document = pyproject.unsourced(document)
        found = pyproject.metadata(folder, document)
    return setup_files.metadata(folder) if found is None else found


def _is_local(line: str) -> bool:
    return line[:1] in "-./" or line.partition("@")[2].lstrip().startswith("file:")


def _without_local(found: Metadata) -> Metadata:
    from dataclasses import replace

    def kept(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(line for line in lines if not _is_local(line))

    return replace(found, extras={name: kept(lines) for name, lines in found.extras.items()})


def _notices(found: Metadata, where: str) -> list[Notice]:
    notices = list(found.notices)
    name = printable(found.name, 100) or _("the project")
    if found.compiles:
        notices.append(
            Notice(
                fill(
                    _(
                        "{where}: {name} is imported from the context and not built, so that its "
                        "compiled extensions are missing. Build a wheel and list its path, or "
                        "install it in a Containerfile of your own."
                    ),
                    where=where,
                    name=name,
                )
            )
        )
    if found.name and stub_wheel.version_of(found) == stub_wheel.UNKNOWN_VERSION:
        notices.append(
            Notice(
                fill(
                    _(
                        "{where}: only its build backend knows the version of {name}. In the image "
                        "it is {version}, also for importlib.metadata."
                    ),
                    where=where,
                    name=name,
                    version=stub_wheel.UNKNOWN_VERSION,
                ),
                "note",
            )
        )
    if not found.name:
        notices.append(
            Notice(
                fill(
                    _(
                        "{where}: the project's name is not known without running its setup.py. "
                        "Its modules are imported from the context; its metadata and commands are "
                        "missing."
                    ),
                    where=where,
                ),
                "note",
            )
        )
    return notices
