"""One call, one purpose: archives to a registry on loopback and back, and questions to it."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from keynet.archive.docker_tar import extract_original_tags, inspect_docker_tar, validate_docker_tar
from keynet.archive.writer import Layout
from keynet.errors import (
    InvalidArchive,
    NotFound,
    RegistryDenied,
    RegistryUnreachable,
    UsageError,
    ValidationError,
)
from keynet.events import BlobAdvanced, BlobFinished, BlobMounted, BlobStarted, Event
from keynet.oci.platform import Platform
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.config import Auth, RegistryConfig
from keynet.registry.functions import (
    pull_image,
    push_docker_tar,
    push_docker_tar_with_all_original_tags,
    push_docker_tar_with_original_tags,
)
from keynet.registry.queries import (
    check_registry_connectivity,
    delete_image,
    delete_image_by_digest,
    get_image_info,
    get_manifest,
    inspect_repositories,
    list_repositories,
    list_tags,
    reference_to,
)
from keynet.secret import Secret
from tests.fakes.archives import Member, digest, docker_old, make_image, oci, random_image, write
from tests.fakes.registry import MemoryRegistry
from tests.unit.cli.conftest import served


@pytest.fixture
def registry() -> Iterator[MemoryRegistry]:
    """Run an open registry; ``url(registry)`` is its URL."""
    with served(MemoryRegistry()) as (registry, host):
        registry.host = host
        yield registry


@pytest.fixture
def locked() -> Iterator[MemoryRegistry]:
    """Run a registry that requires a password."""
    with served(MemoryRegistry(auth="basic")) as (registry, host):
        registry.host = host
        yield registry


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", docker_old(random_image(1, tags=["h.io/team/app:1", "b:2"])))


def url(registry: MemoryRegistry) -> str:
    return f"http://{registry.host}"


def stored(registry: MemoryRegistry) -> dict[str, str]:
    return {
        f"{name}:{tag}": digest
        for name, repository in registry.repositories.items()
        for tag, digest in repository.tags.items()
    }


def test_the_first_tag_names_the_target_without_its_registry(
    registry: MemoryRegistry, archive: Path
) -> None:
    pushed = asyncio.run(push_docker_tar_with_original_tags(archive, url(registry)))
    assert stored(registry) == {"team/app:1": pushed}


@pytest.mark.parametrize(
    ("repository", "tag", "target"),
    [
        ("other", None, "other:1"),
        (None, "x", "team/app:x"),
        ("other", "x", "other:x"),
    ],
)
def test_what_is_given_goes_before_what_the_archive_says(
    registry: MemoryRegistry, archive: Path, repository: str | None, tag: str | None, target: str
) -> None:
    pushed = asyncio.run(push_docker_tar(archive, url(registry), repository, tag))
    assert stored(registry) == {target: pushed}


def test_an_archive_without_tags_wants_a_repository(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    untagged = write(tmp_path / "b.tar", docker_old(random_image(3, tags=[])))
    with pytest.raises(ValidationError, match="does not contain a name"):
        asyncio.run(push_docker_tar(untagged, url(registry)))
    with pytest.raises(ValidationError, match="does not contain a name"):
        asyncio.run(push_docker_tar_with_all_original_tags(untagged, url(registry)))
    pushed = asyncio.run(push_docker_tar(untagged, url(registry), "named"))
    assert stored(registry) == {"named:latest": pushed}


@pytest.mark.medium
@pytest.mark.needs("mounts")
def test_each_image_goes_to_its_own_tags_and_layers_are_mounted(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    images = [random_image(4, tags=["a:1", "b:1"]), random_image(5, tags=["c:1", "a:2"])]
    path = write(tmp_path / "a.tar", docker_old(*images))
    events: list[Event] = []
    digests = asyncio.run(
        push_docker_tar_with_all_original_tags(path, url(registry), emit=events.append)
    )
    assert stored(registry) == dict(zip(["a:1", "b:1", "c:1", "a:2"], digests, strict=True))
    assert digests[0] == digests[1]
    assert digests[2] == digests[3] != digests[0]
    assert sum(isinstance(event, BlobMounted) for event in events) >= 6


def test_a_layer_that_lies_about_its_digest_is_named_and_no_tag_is_left(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    members = [
        Member(m.name, m.content[:-1] + b"?") if m.name.endswith("layer.tar") else m
        for m in docker_old(random_image(2))
    ]
    path = write(tmp_path / "a.tar", members)
    with pytest.raises(InvalidArchive, match=r"layer\.tar: its digest is sha256:"):
        asyncio.run(push_docker_tar(path, url(registry), "broken/app", compress="none"))
    assert stored(registry) == {}


@pytest.mark.medium
def test_a_platform_is_chosen_on_the_way_in(registry: MemoryRegistry, tmp_path: Path) -> None:
    images = [
        make_image(random_image(seed).layers, ["multi:1"], architecture=architecture)
        for seed, architecture in ((1, "s390x"), (2, "amd64"))
    ]
    path = write(tmp_path / "a.tar", oci(*images, nested=True, attestation=True))
    asyncio.run(push_docker_tar(path, url(registry), platform=Platform.parse("linux/s390x")))
    info = asyncio.run(get_image_info(url(registry), "multi", "1"))
    assert (info.architecture, info.id) == ("s390x", digest(images[0].config))


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_a_pulled_archive_is_sound_and_reading_it_is_told(
    registry: MemoryRegistry, archive: Path, tmp_path: Path, layout: Layout
) -> None:
    pushed = asyncio.run(push_docker_tar(archive, url(registry)))
    events: list[Event] = []
    file = tmp_path / "pulled.tar"
    pulled = asyncio.run(
        pull_image(
            url(registry), "team/app", "1", file,
            format=layout, emit=events.append,
        )
    )  # fmt: skip
    assert pulled == pushed
    assert validate_docker_tar(file)
    assert extract_original_tags(file) == [f"{registry.host}/team/app:1"]
    assert inspect_docker_tar(file).id == inspect_docker_tar(archive).id
    started = {event.blob: event.size for event in events if isinstance(event, BlobStarted)}
    reached = {event.blob: event.position for event in events if isinstance(event, BlobAdvanced)}
    finished = {event.blob for event in events if isinstance(event, BlobFinished)}
    assert len(started) == 3
    assert started == reached
    assert finished == set(started)


def test_a_blob_with_other_bytes_than_announced_leaves_the_former_file(
    registry: MemoryRegistry, archive: Path, tmp_path: Path
) -> None:
    asyncio.run(push_docker_tar(archive, url(registry), compress="none"))
    repository = registry.repository("team/app")
    layer = digest(random_image(1).layers[0])
    repository.blobs[layer] = repository.blobs[layer][:-1] + b"?"
    file = tmp_path / "pulled.tar"
    file.write_bytes(b"former")
    with pytest.raises(Exception, match=layer.removeprefix("sha256:")[:12]):
        asyncio.run(pull_image(url(registry), "team/app", "1", file))
    assert file.read_bytes() == b"former"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.tar", "pulled.tar"]


@pytest.mark.medium
@pytest.mark.needs("catalog")
def test_questions_find_what_was_pushed(registry: MemoryRegistry, archive: Path) -> None:
    registry.page = 1
    pushed = asyncio.run(push_docker_tar_with_all_original_tags(archive, url(registry)))
    assert asyncio.run(check_registry_connectivity(url(registry))) is True
    assert asyncio.run(list_repositories(url(registry))) == ["b", "team/app"]
    assert asyncio.run(list_tags(url(registry), "team/app")) == ["1"]
    manifest = asyncio.run(get_manifest(url(registry), "team/app", pushed[0]))
    assert manifest.digest == pushed[0]
    document = json.loads(registry.repository("team/app").manifests[pushed[0]][1])
    assert [layer.digest for layer in manifest.layers] == [
        layer["digest"] for layer in document["layers"]
    ]
    assert manifest.config.size == document["config"]["size"]
    info = asyncio.run(get_image_info(url(registry), "b", "2"))
    assert info.repo_tags == (f"{registry.host}/b:2",)
    assert info.id == manifest.config.digest


@pytest.mark.medium
@pytest.mark.needs("catalog")
@pytest.mark.needs("empty repositories in the list")
def test_many_repositories_are_inspected_in_the_registrys_order(
    registry: MemoryRegistry, archive: Path
) -> None:
    asyncio.run(push_docker_tar_with_all_original_tags(archive, url(registry)))
    registry.repository("empty")
    found = asyncio.run(inspect_repositories(url(registry)))
    assert list(found) == ["b", "empty", "team/app"]
    assert found["empty"] == {}
    assert found["b"]["2"].id == found["team/app"]["1"].id
    some = asyncio.run(inspect_repositories(url(registry), ["b", "unknown"], concurrency=1))
    assert {name: list(tags) for name, tags in some.items()} == {"b": ["2"], "unknown": []}


@pytest.mark.medium
@pytest.mark.needs("deletion")
def test_deleting_tells_whether_there_was_anything(registry: MemoryRegistry, archive: Path) -> None:
    pushed = asyncio.run(push_docker_tar(archive, url(registry)))
    assert asyncio.run(delete_image(url(registry), "team/app", "none")) is False
    assert asyncio.run(delete_image(url(registry), "team/app", "1")) is True
    assert stored(registry) == {}
    assert asyncio.run(delete_image_by_digest(url(registry), "team/app", pushed)) is False
    with pytest.raises(ValidationError):
        asyncio.run(delete_image_by_digest(url(registry), "team/app", "latest"))


def test_what_is_not_there_is_not_found(registry: MemoryRegistry, tmp_path: Path) -> None:
    questions: tuple[Coroutine[Any, Any, object], ...] = (
        list_tags(url(registry), "no/such"),
        get_manifest(url(registry), "no/such", "1"),
        get_image_info(url(registry), "no/such", "1"),
        pull_image(url(registry), "no/such", "1", tmp_path / "x.tar"),
    )
    for question in questions:
        with pytest.raises(NotFound, match="no/such"):
            asyncio.run(question)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["text", "secret", "credential", "sources"])
def test_credentials_may_be_given_in_every_form(locked: MemoryRegistry, form: str) -> None:
    credential = Credential(locked.user, Secret(locked.password))
    forms: dict[str, Auth] = {
        "text": (locked.user, locked.password),
        "secret": (locked.user, Secret(locked.password)),
        "credential": credential,
        "sources": [
            FixedSource("elsewhere.example.com", credential),
            FixedSource(locked.host, credential),
        ],
    }
    assert asyncio.run(check_registry_connectivity(url(locked), auth=forms[form]))


def test_wrong_and_foreign_credentials_are_denied(locked: MemoryRegistry) -> None:
    with pytest.raises(RegistryDenied) as wrong:
        asyncio.run(check_registry_connectivity(url(locked), auth=("me", "not-the-password")))
    assert "not-the-password" not in f"{wrong.value} {wrong.value.hint}"
    foreign = [FixedSource("elsewhere.example.com", Credential("me", Secret("not-the-password")))]
    with pytest.raises(RegistryDenied):
        asyncio.run(check_registry_connectivity(url(locked), auth=foreign))


@pytest.mark.slow
def test_a_port_where_nobody_listens_is_unreachable() -> None:
    with pytest.raises(RegistryUnreachable, match=r"127\.0\.0\.1:1 cannot be reached: Connection"):
        asyncio.run(check_registry_connectivity("http://127.0.0.1:1"))


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(UsageError) as refused:
        asyncio.run(check_registry_connectivity("https://me:secret-word@127.0.0.1:1"))
    assert "secret-word" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.medium
def test_a_ca_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ca\.pem cannot be used: No such file"):
        asyncio.run(list_repositories("https://127.0.0.1:1", ca_cert=tmp_path / "ca.pem"))


def test_a_config_knows_the_registrys_name() -> None:
    config = RegistryConfig("https://Registry.example.com:5000/")
    assert config.base_url == "https://Registry.example.com:5000"
    assert config.host.lower() == "registry.example.com:5000"


def test_a_reference_takes_a_tag_or_a_digest() -> None:
    of = "sha256:" + "a" * 64
    assert str(reference_to("h.io", "a/b", "1")) == "h.io/a/b:1"
    assert str(reference_to("h.io", "a/b", of)) == f"h.io/a/b@{of}"
    with pytest.raises(ValidationError):
        reference_to("h.io", "A B", "1")
