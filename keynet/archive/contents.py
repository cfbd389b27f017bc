"""Documents of an open archive, read with limits and checked against digests."""

from collections.abc import Iterator
from typing import Final, Protocol

from keynet.archive.json_documents import LARGEST_DOCUMENT, DescriptorModel
from keynet.archive.tar import Member
from keynet.errors import InvalidArchive, ValidationError
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.text import N_, _, fill, printable

__all__ = ["ArchivedImage", "Bytes", "Contents", "Members"]

_HINT: Final = N_("The file is damaged or not an image archive; create it again with docker save.")


@frozen
class ArchivedImage:
    """One image of an archive.

    ``tags`` are as written in the archive (``nginx:alpine``), possibly none; ``bare_tag`` is a
    tag that an OCI archive lists without a repository.
    """

    image: Image
    platform: Platform
    tags: tuple[str, ...] = ()
    bare_tag: str | None = None


class Bytes(Protocol):
    """Random access to an open archive, a tar or a folder; ``name`` is safe to show."""

    @property
    def name(self) -> str: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def blocks(self, offset: int, length: int) -> Iterator[bytes]: ...


class Members(Protocol):
    """The files of an archive by name; ``ended`` is False for a tar that may have been cut."""

    @property
    def ended(self) -> bool: ...
    def __contains__(self, name: str) -> bool: ...
    def find(self, name: str) -> Member: ...


@frozen
class Contents:
    """The members of an open archive."""

    source: Bytes
    members: Members

    @property
    def name(self) -> str:
        """The file's path, safe to show."""
        return self.source.name

    def document(self, name: str) -> bytes:
        """Return one JSON document.

        Raises:
            InvalidArchive: It is missing, or larger than allowed.
        """
        member = self.members.find(name)
        if member.size > LARGEST_DOCUMENT:
            raise self.bad(
                name,
                fill(
                    _("it has {size} bytes, more than {most}"),
                    size=member.size,
                    most=LARGEST_DOCUMENT,
                ),
            )
        return self.source.read(member.offset, member.size)

    def check(self, member: str, content: bytes, digest: Digest) -> None:
        """Compare content with its digest.

        Raises:
            InvalidArchive: They differ.
        """
        actual = digest.of_same_kind(content)
        if actual != digest:
            raise self.bad(
                member,
                fill(_("its digest is {actual}, not {digest}"), actual=actual, digest=digest),
            )

    def digest(self, member: str, text: str) -> Digest:
        """Parse a digest that appears in ``member``.

        Raises:
            InvalidArchive: It is not a valid digest.
        """
        try:
            return Digest.parse(text)
        except ValidationError as error:
            raise self.bad(member, error.message.rstrip(".")) from error

    def descriptor(self, member: str, model: DescriptorModel) -> Descriptor:
        """Check a descriptor that appears in ``member``.

        Raises:
            InvalidArchive: Its digest is not valid.
        """
        try:
            return model.value()
        except ValidationError as error:
            raise self.bad(member, error.message.rstrip(".")) from error

    def tag(self, member: str, text: str) -> str:
        """Check a repository and tag that appear in ``member``.

        Raises:
            InvalidArchive: It is not a valid reference.
        """
        try:
            Reference.parse(text)
        except ValidationError as error:
            raise self.bad(member, error.message.rstrip(".")) from error
        return text

    def foreign(self, member: str) -> InvalidArchive:
        """Return the error for a foreign layer, which whoever made the archive left out."""
        error = self.bad(member, _("this foreign layer is not in the archive"))
        hint = _(
            "Its licence forbids to distribute it. Push the image with docker, which leaves it "
            "where it is, or build it on a base without such layers."
        )
        return InvalidArchive(error.message, hint)

    def bad(self, member: str, reason: str) -> InvalidArchive:
        """Return the error for a member."""
        return InvalidArchive(
            fill(
                _("{archive}: {member}: {reason}."),
                archive=self.name,
                member=printable(member, 300),
                reason=reason,
            ),
            _(_HINT),
        )
