"""Where a base image is read, as registries.conf says."""

import os
from pathlib import Path

import pytest

from keynet.direct.base.registries_conf import RegistriesConf, Source, parse
from keynet.direct.base.registries_files import load
from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from tests.tables import table

DIGEST = Digest.of(b"x")
HUB = """\
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "one.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "tags.example"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
"""


def conf(*texts: str) -> RegistriesConf:
    return parse((f"{number}.conf", text.encode()) for number, text in enumerate(texts))


def names(found: RegistriesConf, text: str, written: str = "") -> list[str]:
    return [str(each.reference) for each in found.sources(Reference.parse(text), written)]


def test_without_a_configuration_an_image_is_where_its_name_says() -> None:
    base = Reference.parse("python:3.11-slim")
    assert conf().sources(base) == [Source(base)]
    assert names(conf(), "python:3.11-slim", "python:3.11-slim") == [str(base)]
    assert not conf(HUB).concerns(Reference.parse("quay.io/x/y:1"))
    assert conf(HUB).concerns(base)


def test_mirrors_come_first_and_the_registry_itself_last() -> None:
    assert names(conf(HUB), "python:3.11-slim") == [
        "one.example:5000/hub/library/python:3.11-slim",
        "tags.example/library/python:3.11-slim",
        "docker.io/library/python:3.11-slim",
    ]
    assert names(conf(HUB), f"python@{DIGEST}") == [
        f"one.example:5000/hub/library/python@{DIGEST}",
        f"digests.example/library/python@{DIGEST}",
        f"docker.io/library/python@{DIGEST}",
    ]
    first, *_more, last = conf(HUB).sources(Reference.parse("python:3.11-slim"))
    assert (first.insecure, first.followed) == (True, True)
    assert (last.insecure, last.followed) == (False, False)


def test_mirrors_for_digests_only() -> None:
    text = """\
[[registry]]
location = "quay.io"
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.example"
"""
    assert names(conf(text), "quay.io/a/b:1") == ["quay.io/a/b:1"]
    assert names(conf(text), f"quay.io/a/b@{DIGEST}")[0] == f"mirror.example/a/b@{DIGEST}"


PREFIXES = "".join(
    f'[[registry]]\nprefix = "{prefix}"\nlocation = "{location}"\n'
    for prefix, location in (
        ("quay.io", "one.example"),
        ("quay.io/a", "two.example"),
        ("quay.io/a/b/", "three.example/x/"),
        ("quay.io/a/b:2", "four.example"),
        ("*.wild.example", "wild.local/all"),
    )
)


@table(
    ("name", "found"),
    [
        ("quay.io/a/c:1", "two.example/c:1"),
        ("quay.io/ab/c", "one.example/ab/c"),
        ("quay.io/a/b/c", "three.example/x/c"),
        ("quay.io.example/a", "quay.io.example/a"),
        ("sub.wild.example/a/b:1", "wild.local/all/a/b:1"),
        ("wild.example/a", "wild.example/a"),
    ],
)
def test_the_longest_prefix_counts_and_ends_at_a_part(name: str, found: str) -> None:
    assert names(conf(PREFIXES), name) == [found]


@pytest.mark.parametrize("name", ["quay.io/a/b:2", "sub.wild.example:5000/a:1"])
def test_a_location_that_makes_no_name_is_an_error(name: str) -> None:
    with pytest.raises(ValidationError):
        names(conf(PREFIXES), name)


def test_a_blocked_registry_is_an_error() -> None:
    text = '[[registry]]\nprefix = "docker.io/library"\nblocked = true\n'
    with pytest.raises(ValidationError, match=r"blocks docker\.io/library"):
        names(conf(text), "python:3.11")
    assert names(conf(text), "user/python:3.11") == ["docker.io/user/python:3.11"]


def test_a_short_name_is_an_alias_or_searched_for() -> None:
    text = """\
unqualified-search-registries = ["own.example", "docker.io"]
[aliases]
"known" = "quay.io/somebody/known"
"""
    found = conf(text)
    assert names(found, "python:3.11", "python:3.11") == [
        "own.example/python:3.11",
        "docker.io/library/python:3.11",
    ]
    assert names(found, "known:1", "known:1") == ["quay.io/somebody/known:1"]
    # What keynet chose itself, and a name with its registry, mean what they say.
    assert names(found, "python:3.11") == ["docker.io/library/python:3.11"]
    assert names(found, "python:3.11", "docker.io/python:3.11") == ["docker.io/library/python:3.11"]
    assert names(found, "quay.io/a:1", "quay.io/a:1") == ["quay.io/a:1"]


def test_later_files_replace_what_they_name() -> None:
    later = '[[registry]]\nprefix = "docker.io"\nlocation = "later.example"\n'
    search = 'unqualified-search-registries = ["{}"]\n'
    found = conf(search.format("a.example") + HUB, later, search.format("b.example"))
    assert names(found, "python:1") == ["later.example/library/python:1"]
    assert found.search == ("b.example",)


@table(
    "text",
    [
        "[[registry]",
        "[[registry]]\ninsecure = true\n",
        '[[registry]]\nlocation = "https://x.example"\n',
        '[[registry]]\nlocation = "x.example"\nblocked = "yes"\n',
        '[[registry]]\nlocation = "x.example"\n[[registry.mirror]]\ninsecure = true\n',
        "registry = 1",
        "aliases = []",
        'unqualified-search-registries = "docker.io"',
        '[[registry]]\nlocation="a.b"\n[[registry.mirror]]\nlocation="c.d"\npull-from-mirror="x"\n',
    ],
)
def test_what_is_not_valid_is_named_with_its_file(text: str) -> None:
    with pytest.raises(ValidationError, match=r"0\.conf cannot be used"):
        conf(text)


def _write(file: Path, name: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'unqualified-search-registries = ["{name}"]\n')


def test_the_users_file_comes_before_the_systems(tmp_path: Path) -> None:
    home, system = tmp_path / "home", tmp_path / "etc"
    own = home / ".config/containers"
    assert load({}, home, system) == RegistriesConf()
    _write(system / "registries.conf", "system.example")
    assert load({}, home, system).search == ("system.example",)
    _write(system / "registries.conf.d/2.conf", "second.example")
    _write(system / "registries.conf.d/1.conf", "first.example")
    _write(system / "registries.conf.d/3.txt", "none.example")
    assert load({}, home, system).search == ("second.example",)
    _write(own / "registries.conf", "user.example")
    assert load({}, home, system).search == ("user.example",)
    _write(own / "registries.conf.d/1.conf", "drop-in.example")
    assert load({}, home, system).search == ("drop-in.example",)
    _write(tmp_path / "named.conf", "named.example")
    (own / "registries.conf.d/1.conf").unlink()
    (system / "registries.conf.d/2.conf").unlink()
    (system / "registries.conf.d/1.conf").unlink()
    named = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "named.conf")}
    assert load(named, home, system).search == ("named.example",)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    named = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "absent.conf")}
    with pytest.raises(ValidationError, match=r"absent\.conf cannot be used"):
        load(named, tmp_path, tmp_path)


@table("part", ["registries.conf", "registries.conf.d/1.conf"])
@table("opened", ["file", "folder"])
def test_what_other_users_can_change_is_refused_with_the_command(
    part: str, opened: str, tmp_path: Path
) -> None:
    for place in (tmp_path / "home/.config/containers", tmp_path / "etc"):
        file = place / part
        _write(file, "mirror.example")
        changed = file if opened == "file" else file.parent
        mode = changed.stat().st_mode
        changed.chmod(0o777)
        with pytest.raises(ValidationError, match="can change") as refused:
            load({}, tmp_path / "home", tmp_path / "etc")
        assert f"chmod go-w {changed}" in refused.value.hint
        changed.chmod(mode)
        assert load({}, tmp_path / "home", tmp_path / "etc").search == ("mirror.example",)
        file.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_of_another_user_is_refused_with_the_command(tmp_path: Path) -> None:
    file = tmp_path / "etc/registries.conf.d/1.conf"
    _write(file, "mirror.example")
    os.chown(file, 12345, -1)
    with pytest.raises(ValidationError, match=r"owns or can change .*/1\.conf") as refused:
        load({}, tmp_path, tmp_path / "etc")
    assert f"chown 0 {file}" in refused.value.hint
