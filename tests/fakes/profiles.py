"""How registries in the field differ from the specification: one table.

Each value is what a client meets there as reported in public; docs/registry.md shows the table.
Sources, as owner/repository#number on GitHub: GHCR wasmCloud/wash-archive#268 and
podman-container-tools/skopeo#1880; Google podman-container-tools/skopeo#1101 and its own
documentation of the Docker API; ECR aws/containers-roadmap#2831, openai/tart#273,
dotnet/sdk-container-builds#424 and docker/build-push-action#981; zot regclient/regclient#961;
GitLab estesp/manifest-tool#53 and n0madic/gitlab-registry-images-cleaner#13; Harbor
goharbor/harbor#14744; docker-registry 2.8 from the program itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "ABILITIES",
    "PRODUCTS",
    "PROFILES",
    "SANDBOX",
    "SPECIFICATION",
    "TOKEN_HOST",
    "Profile",
    "Words",
]

MIB: Final = 1 << 20
TOKEN_HOST: Final = "tokens.test"


@dataclass(frozen=True, slots=True)
class Words:
    """How something is refused."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One registry's behaviour; the defaults are the specification's.

    Args:
        auth: How the client signs in.
        patch: How every PATCH is refused; None: chunks are taken.
        chunk_most: Bytes of a PATCH; more is 416.
        chunk_least: Bytes of a PATCH that is not the last; the next one is refused.
        chunk_status: Of a chunk that was taken.
        upload_range: What the answer to a PATCH counts: the upload so far, the chunk alone, or
            the first chunk for ever, or less each time.
        empty_put: Status of the PUT that closes an upload in chunks and has no bytes.
        quiet: Reading without credentials is 404, or a list cut down, without a challenge.
        foreign_tokens: The token server is on another host.
        absent_head: Status of HEAD for what is not there.
        mount: Status of a mount; 202: not taken; 201: taken.
        referrers: Status of the referrers API; 200: it is there.
        subject_told: A manifest with a subject is answered with OCI-Subject.
        deletion: Manifests can be deleted.
        catalog: Status of the list of repositories.
        empty_listed: Repositories without a manifest are in the list of repositories.
        immutable: How a tag that must not move is refused; None: no such policy.
    """

    name: str
    auth: Literal["basic", "token"] = "token"
    patch: Words | None = None
    chunk_most: int | None = None
    chunk_least: int = 0
    chunk_status: int = 202
    upload_range: Literal["upload", "chunk", "first", "backwards"] = "upload"
    empty_put: int = 201
    quiet: bool = False
    foreign_tokens: bool = False
    absent_head: int = 404
    mount: int = 201
    referrers: int = 200
    subject_told: bool = True
    deletion: bool = True
    catalog: int = 200
    empty_listed: bool = True
    immutable: Words | None = None


# The specification has no list of repositories.
SPECIFICATION: Final = Profile("specification", catalog=404)

PROFILES: Final = (
    SPECIFICATION,
    Profile(
        "Harbor",
        catalog=401,
        immutable=Words(
            412, "PRECONDITION", "Failed to process request due to 'app:1' configured as immutable."
        ),
    ),
    Profile(
        "GHCR",
        chunk_most=4 * MIB,
        quiet=True,
        referrers=404,
        subject_told=False,
        deletion=False,
        catalog=404,
    ),
    Profile(
        "GAR",
        patch=Words(405, "UNSUPPORTED", "chunked uploads are not supported"),
        mount=202,
    ),
    Profile(
        "ECR",
        auth="basic",
        chunk_least=5 * MIB,
        chunk_status=201,
        upload_range="first",
        absent_head=403,
        mount=202,
        catalog=405,
        immutable=Words(
            400,
            "TAG_INVALID",
            "The image tag '1' already exists in the 'app' repository and cannot be overwritten"
            " because the repository is immutable.",
        ),
    ),
    Profile(
        "GitLab",
        quiet=True,
        foreign_tokens=True,
        mount=401,
        referrers=404,
        subject_told=False,
        catalog=401,
    ),
    Profile("zot", auth="basic", upload_range="chunk"),
    Profile(
        "docker-registry 2.8", referrers=404, subject_told=False, deletion=False
    ),  # unless storage.delete.enabled is set
    # What no single product does: each optimisation refused in a way of its own.
    Profile(
        "lax",
        patch=Words(501, "UNKNOWN", "no"),
        absent_head=400,
        mount=405,
        referrers=400,
        subject_told=False,
        deletion=False,
        catalog=403,
    ),
    # Takes chunks, and then neither counts nor closes them; openai/tart#159.
    Profile("contrary", upload_range="backwards", empty_put=500),
)
PRODUCTS: Final = PROFILES[:-2]
# keynet's own, which is not played but runs.
SANDBOX: Final = Profile("sandbox", empty_listed=False)

# What a test may need of a registry, by ``pytest.mark.needs``.
ABILITIES: Final[dict[str, Callable[[Profile], bool]]] = {
    "chunks": lambda p: p.patch is None and not p.chunk_least and p.empty_put == 201,
    "any size": lambda p: p.chunk_most is None,
    "ranges": lambda p: p.patch is None and not p.chunk_least and p.upload_range == "upload",
    "mounts": lambda p: p.mount == 201,
    "referrers": lambda p: p.referrers == 200,
    "deletion": lambda p: p.deletion,
    "catalog": lambda p: p.catalog == 200,
    "empty repositories in the list": lambda p: p.empty_listed,
    "404 for what is absent": lambda p: p.absent_head == 404,
    "challenges": lambda p: not p.quiet,
    "own token server": lambda p: not p.foreign_tokens,
}
