"""Which registries a base image is read from, as podman's configuration names them. Pure.

Source: containers-registries.conf(5), version 2 of its format.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final, Literal

from keynet.errors import ValidationError
from keynet.files import limited_toml
from keynet.frozen import frozen
from keynet.oci.reference import DOCKER_HUB, DOCKER_HUB_ALIASES, Reference
from keynet.text import _, fill, printable

__all__ = ["RegistriesConf", "Source", "parse"]

Pull = Literal["all", "digest-only", "tag-only"]
_PULLS: Final[Mapping[str, Pull]] = {
    "all": "all",
    "digest-only": "digest-only",
    "tag-only": "tag-only",
}


@frozen
class Source:
    """Where an image can be read.

    ``insecure`` allows plain http and unverified TLS. ``followed`` is True if there is another
    source after it.
    """

    reference: Reference
    insecure: bool = False
    followed: bool = False


@frozen
class _Endpoint:
    """A place that replaces a prefix; "" leaves the prefix as it is."""

    location: str
    insecure: bool
    pull: Pull = "all"


@frozen
class _Registry:
    """What is said of the names below a prefix, which may begin with ``*.``."""

    prefix: str
    own: _Endpoint
    mirrors: tuple[_Endpoint, ...]
    blocked: bool

    def matched(self, name: str) -> int:
        """Return how much of a name is the prefix; 0 for a name that is not below it."""
        if self.prefix.startswith("*."):
            host = name.partition("/")[0].partition(":")[0]
            return len(host) if host.endswith(self.prefix[1:]) else 0
        size = len(self.prefix)
        follows = name[size : size + 1]
        return size if name.startswith(self.prefix) and follows in ("", "/", ":", "@") else 0


@frozen
class RegistriesConf:
    """The merged configuration; an empty one changes nothing."""

    registries: tuple[_Registry, ...] = ()
    search: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def sources(self, base: Reference, written: str = "") -> list[Source]:
        """Return where a base image is read, in the order in which to try.

        Args:
            written: As the user wrote it; "" for exactly ``base``.

        Raises:
            ValidationError: The configuration blocks it, or makes a name that is not valid.
        """
        found: list[Source] = []
        for reference in self._candidates(base, written):
            found += self._of(reference)
        unique = list(dict.fromkeys(found))
        return [*(replace(each, followed=True) for each in unique[:-1]), unique[-1]]

    def concerns(self, base: Reference, written: str = "") -> bool:
        """Report whether the configuration changes anything for this image.

        Raises:
            ValidationError: See ``sources``.
        """
        return self.sources(base, written) != [Source(base)]

    def _candidates(self, base: Reference, written: str) -> Iterator[Reference]:
        """Yield what a short name may mean: its alias, else one of each registry to search."""
        name = written.partition("@")[0]
        first, slash, last = name.rpartition("/")
        repository = first + slash + last.partition(":")[0]
        host = name.partition("/")[0]
        if not name or base.registry != DOCKER_HUB or host in DOCKER_HUB_ALIASES:
            yield base
            return
        alias = self.aliases.get(repository)
        names = [alias] if alias else [f"{registry}/{repository}" for registry in self.search]
        for each in names:
            other = Reference.parse(each)
            yield Reference(other.registry, other.repository, base.tag, base.digest)
        if not names:
            yield base

    def _of(self, reference: Reference) -> Iterator[Source]:
        name = str(reference)
        matching = [(each.matched(name), each) for each in self.registries]
        size, registry = max(matching, key=lambda each: each[0], default=(0, None))
        if registry is None or not size:
            yield Source(reference)
            return
        if registry.blocked:
            raise ValidationError(
                fill(
                    _("registries.conf blocks {prefix}, and the base image {name} is below it."),
                    prefix=registry.prefix,
                    name=name,
                ),
                _("Choose another base image with --base-image."),
            )
        left_out = "tag-only" if reference.digest is not None else "digest-only"
        for endpoint in (*(e for e in registry.mirrors if e.pull != left_out), registry.own):
            place = endpoint.location or name[:size]
            # A prefix may end with a tag, which is not a part of this name.
            path = f"{place}{reference.name[size:]}"
            yield Source(_moved(reference, path), endpoint.insecure)


def parse(texts: Iterable[tuple[str, bytes]]) -> RegistriesConf:
    """Return the merged configuration; what comes later replaces what it names again.

    Args:
        texts: Files with their names, for errors.

    Raises:
        ValidationError: One of them is not valid.
    """
    registries: dict[str, _Registry] = {}
    search: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    for name, content in texts:
        try:
            document = limited_toml.loads(content)
            registries.update((each.prefix, each) for each in _registries(document))
            if "unqualified-search-registries" in document:
                search = tuple(_texts(document["unqualified-search-registries"]))
            for short, full in _table(document.get("aliases", {})).items():
                aliases[short] = _text(full)
        except ValueError as error:
            raise ValidationError(
                fill(_("{file} cannot be used: {why}."), file=name, why=printable(error, 200)),
                _("Correct it as containers-registries.conf(5) says, or remove it."),
            ) from error
    return RegistriesConf(tuple(registries.values()), search, aliases)


def _registries(document: Mapping[str, Any]) -> Iterator[_Registry]:
    for entry in _tables(document.get("registry", [])):
        location, prefix = _text(entry.get("location", "")), _text(entry.get("prefix", ""))
        if not (location or prefix):
            raise ValueError(_("a registry has neither prefix nor location"))
        digests_only = _flag(entry, "mirror-by-digest-only")
        mirrors = tuple(
            _Endpoint(
                _location(_text(each.get("location", ""))),
                _flag(each, "insecure"),
                _pull(each, "digest-only" if digests_only else "all"),
            )
            for each in _tables(entry.get("mirror", []))
        )
        own = _Endpoint(location.rstrip("/"), _flag(entry, "insecure"))
        yield _Registry((prefix or location).rstrip("/"), own, mirrors, _flag(entry, "blocked"))


def _moved(reference: Reference, path: str) -> Reference:
    """Return the image at another place; tag and digest stay."""
    registry, slash, repository = path.partition("/")
    if not slash:
        raise ValidationError(
            fill(_("registries.conf leads to {place}, which names no repository."), place=path),
            _("Correct its locations."),
        )
    return Reference(
        DOCKER_HUB if registry in DOCKER_HUB_ALIASES else registry,
        repository,
        reference.tag,
        reference.digest,
    )


def _location(text: str) -> str:
    if not text:
        raise ValueError(_("a mirror has no location"))
    return text.rstrip("/")


def _pull(entry: Mapping[str, Any], default: Pull) -> Pull:
    text = _text(entry.get("pull-from-mirror", default))
    if text not in _PULLS:
        raise ValueError(fill(_("pull-from-mirror cannot be {text}"), text=text))
    return _PULLS[text]


def _flag(entry: Mapping[str, Any], name: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(fill(_("{name} is neither true nor false"), name=name))  # noqa: TRY004
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or "://" in value:
        raise ValueError(fill(_("{value} is not a name of a registry"), value=value))
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(fill(_("{value} is not a list"), value=value))  # noqa: TRY004
    return [_text(each) for each in value]


def _table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(fill(_("{value} is not a table"), value=value))  # noqa: TRY004
    return value


def _tables(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise ValueError(fill(_("{value} is not a list of tables"), value=value))  # noqa: TRY004
    return [_table(each) for each in value]
