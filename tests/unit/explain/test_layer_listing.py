"""Layers as lists: what is read of them, and what a hostile one cannot do."""

import gzip
import tarfile

import pytest

from keynet.errors import InvalidArchive
from keynet.explain.layer_listing import from_bytes, list_layer, to_bytes
from tests.fakes.archives import Member, link, pack, tar
from tests.tables import table

SITE = "opt/keynet/lib/python3.11/site-packages"
RECORD = (
    "a/__init__.py,,\n../../../bin/a,,\n../../../../../../etc/passwd,,\na-1.0.dist-info/RECORD,,\n"
)
LAYER = [
    Member(f"./{SITE}/a", type=tarfile.DIRTYPE),
    Member(f"./{SITE}/a/__init__.py", b"x" * 700),
    Member(f"{SITE}/a-1.0.dist-info/RECORD", RECORD.encode()),
    link("opt/keynet/bin/a", "b"),
    Member("etc/.wh.old"),
    Member("var/.wh..wh..opq"),
]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_files_and_removals_are_listed(compression: str) -> None:
    listing = list_layer([pack(tar(LAYER), compression)], "layer 1")
    assert listing.files == {
        f"{SITE}/a/__init__.py": 700,
        f"{SITE}/a-1.0.dist-info/RECORD": len(RECORD),
        "opt/keynet/bin/a": 0,
    }
    assert (listing.removed, listing.emptied) == (
        frozenset({"etc/old"}),
        frozenset({"var"}),
    )


def test_a_distribution_has_the_files_of_its_record() -> None:
    [package] = list_layer([tar(LAYER)], "layer 1").packages
    assert (package.kind, package.name, package.version) == ("python", "a", "1.0")
    assert package.place == SITE
    assert package.files[:3] == (f"{SITE}/a/__init__.py", "opt/keynet/bin/a", "etc/passwd")


def test_a_distribution_has_the_name_that_its_metadata_writes() -> None:
    stated = {
        "scikit_learn-1.5": b"Metadata-Version: 2.1\r\nName: scikit-learn\r\n\r\nName: x\r\n",
        "typing_extensions-4": b"Metadata-Version: 2.4\nName: typing_extensions\n",
        "a_b-1": b"Name: torch\n",
        "c_d-1": b"Metadata-Version: 2.1\n",
    }
    members = [
        member
        for folder, metadata in stated.items()
        for member in (
            Member(f"{SITE}/{folder}.dist-info/METADATA", metadata),
            Member(f"{SITE}/{folder}.dist-info/RECORD", b""),
        )
    ]
    found = [each.name for each in list_layer([tar(members)], "layer 1").packages]
    assert found == ["scikit-learn", "typing_extensions", "a_b", "c_d"]


def test_conda_and_debian_are_read_too() -> None:
    meta = b'{"name": "c", "version": "2", "files": ["lib/libc.so", 3]}'
    members = [
        Member("opt/conda/conda-meta/c-2-0.json", meta),
        Member("opt/conda/conda-meta/bad.json", b"[" * 5000),
        Member("var/lib/dpkg/info/d:amd64.list", b"/.\n/usr/bin/d\n"),
        Member("var/lib/dpkg/status", b"Package: d\nVersion: 1:3\n\nVersion: 9\n"),
    ]
    listing = list_layer([tar(members)], "layer 1")
    found = [(each.kind, each.name, each.version, each.files) for each in listing.packages]
    assert found == [
        ("conda", "c", "2", ("opt/conda/lib/libc.so",)),
        ("debian", "d", "", (".", "usr/bin/d")),
    ]
    assert listing.versions == {"d": "1:3"}


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_whole(format_: int) -> None:
    name = "드라이버/" * 60 + "끝"
    written = tar([Member(name, b"x"), Member("b", b"yy")], format_=format_)  # type: ignore[arg-type]
    assert list_layer([written], "layer 1").files == {name: 1, "b": 2}


def test_what_is_kept_is_read_as_it_was() -> None:
    listing = list_layer([tar(LAYER)], "layer 1")
    assert from_bytes(to_bytes(listing)) == listing
    whole = to_bytes(listing)
    flipped = whole[:20] + bytes(byte ^ 0xFF for byte in whole[20:30]) + whole[30:]
    deep = gzip.compress(b"[" * 100_000)
    for damaged in (b"", b"x", gzip.compress(b"[]"), whole[:-9], flipped, deep):
        assert from_bytes(damaged) is None


def _header(**fields: object) -> bytes:
    info = tarfile.TarInfo("a")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


@table(
    ("content", "told"),
    [
        (tar(LAYER)[:900], "truncated"),
        (b"x" * 2048, "cannot be read"),
        (_header(type=tarfile.XHDTYPE, size=1 << 40), "too large"),
        (_header(type=tarfile.GNUTYPE_LONGNAME, size=1 << 30), "too large"),
        (_header(type=tarfile.XHDTYPE, size=5) + b"0 a=b".ljust(512, b"\0"), "damaged"),
        (_header(type=tarfile.XHDTYPE, size=12) + b"12 size=-12\n".ljust(512, b"\0") + _header(),
         "negative"),
        (_header(size=1 << 50), "truncated"),
    ],
)  # fmt: skip
def test_a_damaged_or_hostile_layer_is_named(content: bytes, told: str) -> None:
    with pytest.raises(InvalidArchive, match=told) as caught:
        list_layer([content], "layer 7")
    assert "layer 7" in caught.value.message
