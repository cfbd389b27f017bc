"""Which files of two layers differ."""

import io
import tarfile

from keynet.archive.listing.layer_tar import TarMember, read_members
from keynet.explain.layer_difference import FileDifference, differing_files

LONG = "a/" + "b" * 150


def members(**changed: object) -> list[TarMember]:
    """Read a small layer, in which the attributes of one file can be changed."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in {"same": b"1", "file": b"2", LONG: b"3"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if name == "file":
                for attribute, value in changed.items():
                    setattr(member, attribute, value)
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return list(read_members([written.getvalue()], "Layer", lambda *_: False, hashed=True))


def test_equal_layers_differ_in_nothing() -> None:
    assert differing_files(members(), members()) == []


def test_each_kind_of_difference_is_named() -> None:
    for attribute, value in {
        "mode": 0o600,
        "uid": 7,
        "gid": 7,
        "mtime": 7,
    }.items():
        found = differing_files(members(**{attribute: value}), members())
        assert found == [FileDifference("file", "attributes")], attribute
    link = members(type=tarfile.SYMTYPE, linkname="same", size=0)
    other = members(type=tarfile.SYMTYPE, linkname=LONG * 2, size=0)
    assert differing_files(link, other) == [FileDifference("file", "attributes")]
    assert differing_files(link, members()) == [FileDifference("file", "content")]


def test_files_of_one_side_alone() -> None:
    one, other = members(), members(name="other")
    assert differing_files(one, other) == [
        FileDifference("file", "added"),
        FileDifference("other", "missing"),
    ]


def test_another_content_of_the_same_size() -> None:
    mine = members()
    changed = [
        TarMember(each.path, each.kind, each.size, None, "0" * 64, each.attributes)
        for each in mine
        if each.path == "same"
    ]
    assert differing_files(mine, [*mine, *changed]) == [FileDifference("same", "content")]
