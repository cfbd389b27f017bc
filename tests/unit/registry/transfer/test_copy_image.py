"""Images and indexes are copied between registries with every byte as it is."""

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from keynet.errors import DigestMismatch, RegistryError
from keynet.events import BlobMounted, BlobSkipped, Event
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.transfer.copy_image import Tree, copy_tree
from keynet.registry.transfer.push_image import push_image
from keynet.registry.transfer.remote_content import RemoteSource, RemoteTarget
from tests.fakes.images import BytesLayer, image_of, random_image
from tests.fakes.registry import Cut, CutAnswer, Fault, LostAnswer, MemoryRegistry, Refuse
from tests.unit.registry.conftest import Connect

SOURCE = Reference("registry.test", "team/app", "1")
TARGET = Reference("other.test", "mirror/app", "2")
PLATFORMS = (
    Platform("linux", "amd64"),
    Platform("linux", "arm64"),
    Platform("linux", "arm", "v7"),
)


@dataclass
class Copied:
    """What a copy did."""

    tree: Tree
    events: list[Event] = field(default_factory=list)


@pytest.fixture
def copy(connect: Connect) -> Callable[..., Copied]:
    def run(
        source: MemoryRegistry,
        target: MemoryRegistry,
        *,
        from_: Reference = SOURCE,
        to: Reference = TARGET,
        everything: bool = True,
        referrers: bool = False,
        platform: Platform | None = None,
    ) -> Copied:
        events: list[Event] = []

        async def work() -> Tree:
            async with (
                connect(source, host=from_.registry) as reading,
                connect(target, host=to.registry) as writing,
            ):
                remote = RemoteSource(reading, from_)
                into = RemoteTarget(writing, to, emit=events.append)
                root = await remote.root(platform, everything=everything)
                return await copy_tree(
                    remote,
                    into,
                    root.descriptor,
                    name=to.tag,
                    referrers=referrers,
                    emit=events.append,
                )

        return Copied(asyncio.run(work()), events)

    return run


Copy = Callable[..., Copied]


def put_image(registry: MemoryRegistry, connect: Connect, image: Image, where: Reference) -> None:
    async def work() -> None:
        async with connect(registry, host=where.registry) as client:
            await push_image(client, image, where)

    asyncio.run(work())


def put_index(
    registry: MemoryRegistry, connect: Connect, where: Reference = SOURCE
) -> tuple[str, list[Image]]:
    """Store an index of three platforms, which share a layer; return its digest."""
    shared = BytesLayer(b"base of all" * 1000)
    images = [image_of((shared, BytesLayer(str(p).encode() * 500)), n) for n, p in
              enumerate(PLATFORMS)]  # fmt: skip
    entries = []
    for platform, image in zip(PLATFORMS, images, strict=True):
        digest = Digest.of(image.manifest)
        put_image(registry, connect, image, where.with_digest(digest))
        described = Descriptor(
            MediaType.OCI_MANIFEST, digest, len(image.manifest), platform=platform
        )
        entries.append(described.to_json())
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": entries}
    content = json.dumps(index, indent=3).encode()
    return put_manifest(registry, where, MediaType.OCI_INDEX, content), images


def put_manifest(
    registry: MemoryRegistry, where: Reference, media_type: str, content: bytes
) -> str:
    digest = str(Digest.of(content))
    repository = registry.repository(where.repository)
    repository.manifests[digest] = (media_type, content)
    if where.tag is not None:
        repository.tags[where.tag] = digest
    return digest


def put_referrer(
    registry: MemoryRegistry, where: Reference, subject: Digest, text: bytes
) -> Digest:
    """Store an artifact that refers to ``subject``, in the fallback tag if there is no API."""
    repository = registry.repository(where.repository)
    empty, blob = b"{}", text
    for each in (empty, blob):
        repository.blobs[str(Digest.of(each))] = each
    subject_type, subject_content = repository.manifests[str(subject)]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "artifactType": "application/vnd.example.sbom",
        "config": Descriptor.of(MediaType.OCI_EMPTY, empty).to_json(),
        "layers": [Descriptor.of("text/plain", blob).to_json()],
        "subject": Descriptor(subject_type, subject, len(subject_content)).to_json(),
    }
    content = json.dumps(manifest).encode()
    put_manifest(registry, Reference(where.registry, where.repository), MediaType.OCI_MANIFEST,
                 content)  # fmt: skip
    if not registry.referrers:
        tag = f"sha256-{subject.hex}"
        known = repository.tags.get(tag)
        before = json.loads(repository.manifests[known][1])["manifests"] if known else []
        entry = Descriptor.of(MediaType.OCI_MANIFEST, content).to_json()
        index = {
            "schemaVersion": 2,
            "mediaType": MediaType.OCI_INDEX,
            "manifests": [*before, entry],
        }
        put_manifest(registry, where.with_tag(tag), MediaType.OCI_INDEX, json.dumps(index).encode())
    return Digest.of(content)


def blobs_of(image: Image) -> set[str]:
    return {str(Digest.of(image.config)), *(str(one.descriptor.digest) for one in image.layers)}


def written(registry: MemoryRegistry) -> list[str]:
    return [seen.url for seen in registry.seen if seen.method in ("POST", "PUT", "PATCH")]


@pytest.mark.parametrize("auth", ["open", "token"])
@pytest.mark.parametrize("manifest_type", MediaType.MANIFESTS)
def test_an_image_keeps_its_digest(
    connect: Connect, copy: Copy, auth: str, manifest_type: str
) -> None:
    source, target = MemoryRegistry(auth=auth), MemoryRegistry(host="other.test", auth=auth)
    image = random_image(5, manifest_type=manifest_type)
    put_image(source, connect, image, SOURCE)
    copied = copy(source, target)
    repository = target.repository("mirror/app")
    assert repository.tags == {"2": str(Digest.of(image.manifest))}
    assert repository.manifests[repository.tags["2"]] == (manifest_type, image.manifest)
    assert set(repository.blobs) == blobs_of(image)
    assert copied.tree.root.content == image.manifest


def test_an_index_is_copied_with_every_image(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    digest, images = put_index(source, connect)
    copied = copy(source, target)
    repository = target.repository("mirror/app")
    assert repository.tags == {"2": digest}
    assert repository.manifests == source.repository("team/app").manifests
    assert set(repository.blobs) == set().union(*map(blobs_of, images))
    assert copied.tree.manifests == 4
    # The layer that all share went once.
    assert len([url for url in written(target) if url.endswith("/uploads/")]) == 7


def test_one_platform_of_an_index_is_copied_alone(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    _digest, images = put_index(source, connect)
    copy(source, target, everything=False, platform=PLATFORMS[1])
    assert target.repository("mirror/app").tags == {"2": str(Digest.of(images[1].manifest))}
    assert set(target.repository("mirror/app").blobs) == blobs_of(images[1])


def test_what_the_target_has_is_neither_read_nor_sent(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    put_index(source, connect)
    copy(source, target)
    source.seen.clear()
    target.seen.clear()
    copy(source, target)
    assert written(target) == []
    assert (
        len([seen for seen in source.seen if "/manifests/" in seen.url or "/blobs/" in seen.url])
        == 1
    )


def test_a_second_tag_needs_no_blob(connect: Connect, copy: Copy) -> None:
    registry = MemoryRegistry()
    image = random_image(3)
    put_image(registry, connect, image, SOURCE)
    registry.seen.clear()
    copied = copy(registry, registry, to=SOURCE.with_tag("latest"))
    assert [seen.method for seen in registry.seen if "/blobs/" in seen.url] == []
    assert set(registry.repository("team/app").tags) == {"1", "latest"}
    assert {type(event) for event in copied.events} == {BlobSkipped}


def test_the_same_source_and_target_change_nothing(connect: Connect, copy: Copy) -> None:
    registry = MemoryRegistry()
    put_image(registry, connect, random_image(3), SOURCE)
    registry.seen.clear()
    copy(registry, registry, to=SOURCE)
    assert written(registry) == []


@pytest.mark.parametrize("mounts", [pytest.param(True, marks=pytest.mark.needs("mounts")), False])
def test_blobs_are_mounted_in_the_same_registry(connect: Connect, copy: Copy, mounts: bool) -> None:
    registry = MemoryRegistry(auth="token", mounts=mounts)
    image = random_image(3)
    put_image(registry, connect, image, SOURCE)
    copied = copy(registry, registry, to=Reference("registry.test", "mirror/app", "2"))
    mounted = [event for event in copied.events if isinstance(event, BlobMounted)]
    assert len(mounted) == (len(blobs_of(image)) if mounts else 0)
    assert set(registry.repository("mirror/app").blobs) == blobs_of(image)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refused_mount_is_streamed(connect: Connect, copy: Copy, status: int) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        return Refuse(status) if b"mount=" in request.url.query else None

    registry = MemoryRegistry(fault=fault)
    image = random_image(3)
    put_image(registry, connect, image, SOURCE)
    copy(registry, registry, to=Reference("registry.test", "mirror/app", "2"))
    assert set(registry.repository("mirror/app").blobs) == blobs_of(image)


@pytest.mark.parametrize("status", [401, 403, 405, 500])
@pytest.mark.needs("referrers")
def test_a_target_that_may_not_be_read_gets_the_copy(
    connect: Connect, copy: Copy, status: int
) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        reading = request.method in ("GET", "HEAD") and "/uploads/" not in request.url.path
        # Which of a registry's addresses ask for a login is learned at its root.
        return Refuse(status) if reading and request.url.path not in ("/v2/", "/token") else None

    source, target = MemoryRegistry(referrers=True), MemoryRegistry(host="other.test", fault=fault)
    target.referrers = True
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    put_referrer(source, SOURCE, Digest.of(image.manifest), b"sbom")
    copy(source, target, referrers=True)
    assert target.repository("mirror/app").tags["2"] == str(Digest.of(image.manifest))
    assert len(target.repository("mirror/app").manifests) == 2


def test_a_tag_that_points_to_another_image_moves(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    put_image(target, connect, random_image(4), TARGET)
    copy(source, target)
    assert target.repository("mirror/app").tags == {"2": str(Digest.of(image.manifest))}


@pytest.mark.parametrize("source_api", [True, False])
@pytest.mark.parametrize("target_api", [True, False])
@pytest.mark.needs("referrers")
def test_referrers_of_every_image_follow(
    connect: Connect, copy: Copy, source_api: bool, target_api: bool
) -> None:
    source = MemoryRegistry(referrers=source_api)
    target = MemoryRegistry(host="other.test", referrers=target_api)
    digest, images = put_index(source, connect)
    of_index = put_referrer(source, SOURCE, Digest.parse(digest), b"signature")
    of_image = put_referrer(source, SOURCE, Digest.of(images[2].manifest), b"bill")
    nested = put_referrer(source, SOURCE, of_image, b"signature of the bill")
    copied = copy(source, target, referrers=True)
    assert copied.tree.referrers == 3

    async def found() -> list[set[Digest]]:
        async with connect(target, host="other.test") as client:
            return [
                {entry.digest for entry in await client.referrers("mirror/app", subject)}
                for subject in (Digest.parse(digest), Digest.of(images[2].manifest), of_image)
            ]

    assert asyncio.run(found()) == [{of_index}, {of_image}, {nested}]
    assert target.repository("mirror/app").tags["2"] == digest


def test_referrers_stay_behind_unless_asked_for(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    put_referrer(source, SOURCE, Digest.of(image.manifest), b"bill")
    copy(source, target)
    assert set(target.repository("mirror/app").tags) == {"2"}


@pytest.mark.medium
def test_entries_of_the_targets_fallback_tag_are_kept(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    image = random_image(3)
    subject = Digest.of(image.manifest)
    put_image(source, connect, image, SOURCE)
    put_image(target, connect, image, TARGET)
    theirs = put_referrer(source, SOURCE, subject, b"from the source")
    own = put_referrer(target, TARGET, subject, b"of the target")
    for _time in range(2):
        copy(source, target, referrers=True)

    async def found() -> list[Digest]:
        async with connect(target, host="other.test") as client:
            return [entry.digest for entry in await client.referrers("mirror/app", subject)]

    assert asyncio.run(found()) == [own, theirs]


def test_wrong_bytes_from_the_source_leave_no_tag(connect: Connect, copy: Copy) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    layer = str(image.layers[3].descriptor.digest)
    source.repository("team/app").blobs[layer] = b"x" * image.layers[3].descriptor.size
    with pytest.raises(DigestMismatch):
        copy(source, target)
    repository = target.repository("mirror/app")
    assert not repository.tags
    assert not repository.manifests
    assert layer not in repository.blobs


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_lost_connection_is_continued(connect: Connect, copy: Copy, side: str) -> None:
    faults: list[Fault] = [CutAnswer(0.7) if side == "source" else Cut(0.5)] * 2

    def fault(request: httpx.Request) -> Fault | None:
        wanted = "GET" if side == "source" else "PUT"
        if request.method == wanted and "/blobs/" in request.url.path and faults:
            return faults.pop()
        return None

    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    (source if side == "source" else target).fault = fault
    copy(source, target)
    assert set(target.repository("mirror/app").blobs) == blobs_of(image)
    assert not faults


@pytest.mark.medium
def test_tokens_that_expire_meanwhile_are_fetched_again(connect: Connect, copy: Copy) -> None:
    source = MemoryRegistry(auth="token")
    target = MemoryRegistry(host="other.test", auth="token")
    digest, _images = put_index(source, connect)
    requests = 0

    def fault(request: httpx.Request) -> None:
        nonlocal requests
        requests += 1
        if requests in (6, 20):
            source.expire_tokens()
            target.expire_tokens()

    source.fault = target.fault = fault
    copy(source, target)
    assert target.repository("mirror/app").tags == {"2": digest}


@pytest.mark.parametrize("status", [403, 500])
def test_a_target_that_fails_in_the_middle_gets_no_tag(
    connect: Connect, copy: Copy, status: int
) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        last = "/manifests/" in request.url.path and request.method == "PUT"
        return Refuse(status) if last else None

    source, target = MemoryRegistry(), MemoryRegistry(host="other.test", fault=fault)
    put_index(source, connect)
    with pytest.raises(RegistryError):
        copy(source, target)
    assert not target.repository("mirror/app").tags


def test_layers_that_may_not_be_distributed_stay_with_their_owner(
    connect: Connect, copy: Copy
) -> None:
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    image = image_of((BytesLayer(b"windows", foreign), BytesLayer(b"own")), 1)
    put_image(source, connect, image, SOURCE)
    target.repository("mirror/app").blobs[str(image.layers[0].descriptor.digest)] = b""
    source.seen.clear()
    copy(source, target)
    assert not [seen for seen in source.seen if str(image.layers[0].descriptor.digest) in seen.url]


def test_blobs_that_an_index_lists_are_copied(connect: Connect, copy: Copy) -> None:
    """BuildKit's cache is an index of layers and a config."""
    source, target = MemoryRegistry(), MemoryRegistry(host="other.test")
    layer = Descriptor.of(MediaType.OCI_LAYER_GZIP, b"layer of a cache")
    source.repository("team/app").blobs[str(layer.digest)] = b"layer of a cache"
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": [layer.to_json()]}
    digest = put_manifest(source, SOURCE, MediaType.OCI_INDEX, json.dumps(index).encode())
    copy(source, target)
    assert target.repository("mirror/app").tags == {"2": digest}
    assert set(target.repository("mirror/app").blobs) == {str(layer.digest)}


@pytest.mark.parametrize("status", [400, 401, 403, 405, 500, 503])
def test_a_target_that_may_only_be_written_gets_the_image(
    connect: Connect, copy: Copy, status: int
) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        return Refuse(status) if request.method in ("HEAD", "GET") and written_to(request) else None

    def written_to(request: httpx.Request) -> bool:
        return "mirror/app" in request.url.path and "/uploads/" not in request.url.path

    source, target = MemoryRegistry(), MemoryRegistry(host="other.test", fault=fault)
    digest, _images = put_index(source, connect)
    copy(source, target)
    assert target.repository("mirror/app").tags == {"2": digest}


@pytest.mark.needs("referrers")
def test_a_target_that_does_not_list_referrers_gets_them(connect: Connect, copy: Copy) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        return (
            Refuse(403) if request.method == "GET" and "/referrers/" in request.url.path else None
        )

    source = MemoryRegistry(referrers=True)
    target = MemoryRegistry(host="other.test", referrers=True, fault=fault)
    image = random_image(3)
    put_image(source, connect, image, SOURCE)
    attached = put_referrer(source, SOURCE, Digest.of(image.manifest), b"bill")
    copy(source, target, referrers=True)
    assert str(attached) in target.repository("mirror/app").manifests


@pytest.mark.medium
@pytest.mark.needs("ranges")
def test_a_cut_upload_does_not_read_the_source_again(connect: Connect, copy: Copy) -> None:
    faults: list[Fault] = [Cut(0.9)] * 3

    def fault(request: httpx.Request) -> Fault | None:
        content = request.headers.get("content-range", "")
        # Not the first chunk: there is something before it that could be read again.
        resumed = request.method == "PATCH" and content and not content.startswith("0-")
        return faults.pop() if resumed and faults else None

    source, target = MemoryRegistry(), MemoryRegistry(host="other.test", fault=fault)
    content = random.Random(1).randbytes(12 << 20)
    image = image_of((BytesLayer(content),))
    put_image(source, connect, image, SOURCE)
    source.seen.clear()
    copy(source, target)
    digest = str(Digest.of(content))
    assert target.repository("mirror/app").blobs[digest] == content
    starts = [
        seen.headers.get("range", "bytes=0-")
        for seen in source.seen
        if seen.method == "GET" and digest in seen.url
    ]
    assert not faults
    assert starts[0] == "bytes=0-"
    assert len(starts) > 1
    assert all(start != "bytes=0-" for start in starts[1:])


@pytest.mark.medium
def test_wrong_bytes_are_found_by_who_resumes(connect: Connect, copy: Copy) -> None:
    faults: list[Fault] = [Cut(0.5)]

    def fault(request: httpx.Request) -> Fault | None:
        resumed = request.method == "PATCH" and faults
        return faults.pop() if resumed and "0-" not in request.headers["content-range"] else None

    source, target = MemoryRegistry(), MemoryRegistry(host="other.test", fault=fault)
    content = bytes(12 << 20)
    image = image_of((BytesLayer(content),))
    put_image(source, connect, image, SOURCE)
    changed = content[:-1] + b"x"
    source.repository("team/app").blobs[str(Digest.of(content))] = changed
    with pytest.raises(DigestMismatch):
        copy(source, target)
    assert not target.repository("mirror/app").tags


@dataclass
class Nth:
    """A fault at one request, counted from 1."""

    number: int
    kind: Fault
    seen: int = 0

    def __call__(self, request: httpx.Request) -> Fault | None:
        self.seen += 1
        return self.kind if self.seen == self.number else None


@pytest.mark.slow
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    "kind", [Refuse(500), Refuse(403), Refuse(404), LostAnswer(), CutAnswer(0.5), Cut(0.5)]
)
@pytest.mark.needs("referrers")
def test_whichever_request_fails_the_tag_is_the_image_or_nothing(
    connect: Connect, copy: Copy, side: str, kind: Fault
) -> None:
    source = MemoryRegistry(referrers=True)
    digest, images = put_index(source, connect)
    put_referrer(source, SOURCE, Digest.parse(digest), b"signature")
    wanted = set(source.repository("team/app").manifests)
    if kind == Refuse(404):
        # Without a referrers API, nothing is listed under the fallback tag.
        wanted = {digest, *(str(Digest.of(image.manifest)) for image in images)}
    failed = 0
    for number in itertools.count(1):
        fault = Nth(number, kind)
        target = MemoryRegistry(host="other.test", referrers=True)
        (source if side == "source" else target).fault = fault
        try:
            copy(source, target, referrers=True)
        except RegistryError:
            failed += 1
        repository = target.repository("mirror/app")
        assert repository.tags in ({"2": digest}, {})
        assert not repository.tags or wanted <= set(repository.manifests)
        if fault.seen < number:
            # It came to its end before the fault.
            assert number > 10
            break
    # What may pass is tried again.
    assert not failed or kind in (Refuse(403), Refuse(404))
