"""Properties of layers: their digest says what is in them, and nothing of where they were made."""

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.wheel import Wheel
from keynet.direct.layers.layer_store import LayerStore, MadeLayer
from keynet.direct.layers.layering import code_layer, package_layers, package_parts
from keynet.events import ignore
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Recipe
from keynet.recipe import context
from keynet.recipe.ignore import Rules

pytestmark = pytest.mark.slow

PYTHON: Final = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
SITE: Final = "opt/keynet/lib/python3.11/site-packages"
INFO: Final = "tiny-1.dist-info"
# Two file systems on most machines: what a folder lists first differs.
PLACES: Final = [
    place for place in ("/dev/shm", tempfile.gettempdir()) if os.access(place, os.W_OK)
]


@dataclass(frozen=True)
class Member:
    """A file with its content, or a link with its target."""

    content: bytes = b""
    executable: bool = False
    target: str = ""


Tree = Mapping[str, Member]
_PART = st.text("ab한 .-_\U0001f600", min_size=1, max_size=12).filter(lambda part: part.strip(". "))
_PATHS = st.lists(_PART, min_size=1, max_size=3).map("/".join)
_FILES = st.builds(Member, st.binary(max_size=2000), st.booleans())
_LINKS = st.builds(Member, target=_PATHS)


@st.composite
def trees(draw: st.DrawFn, members: st.SearchStrategy[Member]) -> Tree:
    """Draw files of which none is where another one has a folder."""
    found = draw(st.dictionaries(_PATHS, members, min_size=1, max_size=6))
    return {
        path: member
        for path, member in found.items()
        if not any(other.startswith(f"{path}/") for other in found)
    }


@dataclass(frozen=True)
class Circumstances:
    """How a tree comes to be on a disk."""

    order: Any
    place: str
    name: str
    umask: int
    time_s: int
    owner: int

    @contextmanager
    def written(self, tree: Tree) -> Iterator[Path]:
        """Write a tree to a folder of its own."""
        before = os.umask(self.umask)
        try:
            with tempfile.TemporaryDirectory(prefix=self.name, dir=self.place) as top:
                folder = Path(top) / "it"
                folder.mkdir()
                paths = sorted(tree)
                self.order.shuffle(paths)
                for path in paths:
                    self._write(folder / path, tree[path])
                yield folder
        finally:
            os.umask(before)

    def _write(self, file: Path, member: Member) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if member.target:
            file.symlink_to(member.target)
            return
        file.write_bytes(member.content)
        if member.executable:
            file.chmod(file.stat().st_mode | 0o100)
        os.utime(file, (self.time_s, self.time_s))
        if os.geteuid() == 0:
            os.chown(file, self.owner, self.owner)


_CIRCUMSTANCES = st.builds(
    Circumstances,
    st.randoms(use_true_random=False),
    st.sampled_from(PLACES),
    st.sampled_from(["x", "another-name-"]),
    st.sampled_from([0o022, 0o002, 0o077]),
    st.integers(0, 2**31),
    st.sampled_from([0, 1000]),
)
_ANY = st.one_of(_FILES, _LINKS)


def context_layer(tree: Tree, circumstances: Circumstances) -> tuple[MadeLayer, bytes]:
    """Make the layer of a context; return it with its bytes."""
    recipe = Recipe(Reference.parse("python:3.11-slim"), ("python", "train.py"))
    with circumstances.written(tree) as folder, tempfile.TemporaryDirectory() as store:
        plan = BuildPlan(folder, context.scan(folder, Rules()).files, recipe)
        made = code_layer(LayerStore(Path(store)), plan, "/workspace", ignore).layer
        assert isinstance(made, MadeLayer)
        return made, made.path.read_bytes()


def wheel_layer(tree: Tree, circumstances: Circumstances) -> tuple[MadeLayer, bytes]:
    """Make the layer of a wheel; return it with its bytes."""
    whole = {f"tiny/{path}": member for path, member in tree.items()}
    whole[f"{INFO}/METADATA"] = Member(b"Name: tiny\nVersion: 1\n")
    with circumstances.written(whole) as folder, tempfile.TemporaryDirectory() as store:
        wheel = Wheel("tiny", "1", "key", folder, INFO)
        parts = package_parts(PYTHON, [wheel], None, ignore, most=0)
        ((added, _kept),) = package_layers(LayerStore(Path(store)), parts, anew=False)
        assert isinstance(added.layer, MadeLayer)
        return added.layer, added.layer.path.read_bytes()


def read(layer: bytes) -> dict[str, tuple[Member, int]]:
    """Return what is in a layer, with modes, as Python's own library reads it."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert member.mtime == 0
            if member.isdir():
                assert member.mode == 0o755
                continue
            file = tar.extractfile(member) if member.isreg() else None
            content = file.read() if file is not None else b""
            one = Member(content, member.isreg() and bool(member.mode & 0o100), member.linkname)
            found[member.name] = (one, member.mode)
    return found


@settings(max_examples=60)
@given(trees(_ANY), _CIRCUMSTANCES, _CIRCUMSTANCES)
def test_a_context_gives_the_same_layer_wherever_it_is(
    tree: Tree, one: Circumstances, other: Circumstances
) -> None:
    (first, content), (second, same) = (context_layer(tree, each) for each in (one, other))
    assert (first.descriptor, first.diff_id) == (second.descriptor, second.diff_id)
    assert content == same
    found = read(content)
    assert {path: member for path, (member, _mode) in found.items()} == {
        f"workspace/{path}": member for path, member in tree.items()
    }
    modes = {mode for member, mode in found.values() if not member.target}
    assert modes <= {0o644, 0o755}


@settings(max_examples=60)
@given(trees(_FILES), _CIRCUMSTANCES, _CIRCUMSTANCES)
def test_a_wheel_gives_the_same_layer_wherever_it_is(
    tree: Tree, one: Circumstances, other: Circumstances
) -> None:
    (first, content), (second, same) = (wheel_layer(tree, each) for each in (one, other))
    assert (first.descriptor, first.diff_id) == (second.descriptor, second.diff_id)
    assert content == same
    found = read(content)
    for path, member in tree.items():
        assert found[f"{SITE}/tiny/{path}"] == (member, 0o755 if member.executable else 0o644)


@settings(max_examples=60)
@given(trees(_FILES), st.data(), _CIRCUMSTANCES)
def test_another_content_gives_another_layer(
    tree: Tree, data: st.DataObject, circumstances: Circumstances
) -> None:
    path = data.draw(st.sampled_from(sorted(tree)))
    member = tree[path]
    changed = {
        "content": {**tree, path: replace(member, content=member.content + b"\0")},
        "mode": {**tree, path: replace(member, executable=not member.executable)},
        "name": {f"{other}2" if other == path else other: tree[other] for other in tree},
        "absent": {other: tree[other] for other in tree if other != path},
    }[data.draw(st.sampled_from(["content", "mode", "name", "absent"]))]
    assume(len(changed) >= len(tree) - 1 and changed != tree)
    for layer in (context_layer, wheel_layer):
        before, after = layer(tree, circumstances)[0], layer(changed, circumstances)[0]
        assert before.descriptor.digest != after.descriptor.digest
        assert before.diff_id != after.diff_id
