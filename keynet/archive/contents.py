"""Documents of an open archive, read with limits and checked against digests."""

from dataclasses import dataclass
from typing import Final

from keynet.archive.byte_source import Source
from keynet.archive.json_documents import LARGEST_DOCUMENT, DescriptorModel
from keynet.archive.tar import Index
from keynet.errors import InvalidArchive, ValidationError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.text import N_, _, fill, printable

__all__ = ["ArchivedImage", "Contents"]

_HINT: Final = N_("The file is damaged or not an image archive; create it again with docker save.")


@dataclass(frozen=True)
class ArchivedImage:
    """One image of an archive.

    ``tags`` are as written in the archive (``nginx:alpine``), possibly none; ``bare_tag`` is a
    tag that an OCI archive lists without a repository.
    """

    image: Image
    platform: Platform
    tags: tuple[str, ...] = ()
    bare_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """The members of an open archive."""

    source: Source
    members: Index

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
