"""Pushes without an engine to registries of every kind, the base in the same one or another."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keynet.oci.attachment import LOCK, SBOM
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry import artifact
from keynet.registry.account_client import open_client
from keynet.registry.transfer.pull_image import fetch_image
from keynet.secret import Secret
from tests.fakes.backend import FakeBackend, Reply, running_backend
from tests.fakes.profiled import ProfiledRegistry
from tests.fakes.profiles import PROFILES, SPECIFICATION, Profile
from tests.fakes.registry import MemoryRegistry
from tests.fakes.registry import Reply as Answer
from tests.fakes.served import OTHER_ADDRESS, served
from tests.testbed.made_wheels import make_wheel

from .conftest import KEY, keynet, signed_in
from .test_direct import store_base

Capture = pytest.CaptureFixture[str]
# As ``signed_in`` saves it.
USER, PASSWORD = "robot$user", "a-password-of-some-length"

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Field:
    """A project, the registry that it is pushed to, and another one."""

    project: Path
    backend: FakeBackend
    registry: MemoryRegistry
    host: str
    token_hosts: tuple[str, ...]
    other: MemoryRegistry
    other_host: str

    def base(self, *, same: bool) -> str:
        """Put a base into one of the registries; return its name."""
        registry, host = (self.registry, self.host) if same else (self.other, self.other_host)
        return f"{host}/{store_base(registry)}"

    def push(self, base: str, key: str, capsys: Capture, *flags: str) -> Any:
        """Push under an upload key; return the result."""
        self.backend.answer(Reply.of({"id": 1, "uploadKey": key, "command": "python train.py"}))
        arguments = ["push", "train.py", "--builder", "direct", "--base-image", base, "--json"]
        assert keynet(*arguments, *flags) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    async def read(self, result: Any) -> tuple[int, list[bytes | None]]:
        """Read an image as anybody would: the number of its layers, and what is attached."""
        image = Reference.parse(result["image"]).with_digest(Digest.parse(result["digest"]))
        assert image.digest is not None
        account = self.registry.user, Secret(self.registry.password)
        access = RegistryAccess(self.host, *account, insecure=True, token_hosts=self.token_hosts)
        async with open_client(self.host, access) as client:
            found = await fetch_image(client, image)
            for layer in found.layers:
                # Checked against its digest.
                async for _chunk in layer.chunks():
                    pass
            kinds = (artifact.ARTIFACT_TYPE, LOCK, SBOM)
            attached = [
                await artifact.read_attached(client, image, image.digest, kind) for kind in kinds
            ]
        return len(found.layers), attached


Start = Callable[..., Field]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a registry of a kind, and log in to it in a project with one wheel."""
    with ExitStack() as stack:

        def started(profile: Profile, kind: type[MemoryRegistry] = MemoryRegistry) -> Field:
            made: list[MemoryRegistry] = []

            def registry(host: str) -> ProfiledRegistry:
                inner = kind(
                    host=host,
                    auth=profile.auth,
                    referrers=profile.referrers == 200,
                    user=USER,
                    password=PASSWORD,
                    realm=f"http://{host}/token",
                )
                made.append(inner)
                tokens = f"{OTHER_ADDRESS}:{host.rpartition(':')[2]}"
                return ProfiledRegistry(profile, inner, host, scheme="http", token_host=tokens)

            def other(host: str) -> MemoryRegistry:
                made.append(MemoryRegistry(host=host))
                return made[-1]

            backend = stack.enter_context(running_backend())
            host = stack.enter_context(served(registry))
            other_host = stack.enter_context(served(other))
            project = signed_in(tmp_path, monkeypatch, backend, host)
            tokens = (f"{OTHER_ADDRESS}:{host.rpartition(':')[2]}",)
            token_hosts = tokens if profile.foreign_tokens else ()
            monkeypatch.setenv("KEYNET_TOKEN_HOSTS", ",".join(token_hosts))
            make_wheel(project, "tiny", {"tiny.py": "VALUE = 7\n"})
            (project / "requirements.txt").write_text("--no-index\n./tiny-1.0-py3-none-any.whl\n")
            return Field(project, backend, made[0], host, token_hosts, made[1], other_host)

        yield started


@pytest.mark.parametrize("same", [True, False], ids=["mounted", "streamed"])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_an_image_and_a_change_of_it_are_pushed_with_all_that_is_attached(
    profile: Profile, same: bool, start: Start, capsys: Capture
) -> None:
    place = start(profile)
    base = place.base(same=same)
    first = place.push(base, "firstkey000000000001", capsys)
    layers, attached = asyncio.run(place.read(first))
    assert layers >= 4
    assert None not in attached
    assert b"lr" in (attached[0] or b"")
    (place.project / "train.py").write_text("print('changed')\n")
    before = place.registry.bytes_received
    second = place.push(base, "secondkey00000000002", capsys)
    assert second["digest"] != first["digest"]
    assert asyncio.run(place.read(second))[0] == layers
    assert None not in asyncio.run(place.read(second))[1]
    assert place.registry.bytes_received - before < 64_000


class PushOnly(MemoryRegistry):
    """Gives no token to read with, until it is ``readable``."""

    readable = False

    def _token(self, query: dict[str, list[str]], headers: dict[str, str]) -> Answer:
        reply = super()._token(query, headers)
        if reply.status == 200 and not self.readable:
            granted = self.tokens[json.loads(reply.body)["token"]]
            reading = {scope for scope in granted if "pull" in scope}
            granted -= reading
            granted |= {each.replace("pull,push", "push") for each in reading if "push" in each}
        return reply


@pytest.mark.parametrize("flags", [[], ["--no-sbom"]])
def test_an_account_that_cannot_pull_pushes_and_attaches(
    flags: list[str], start: Start, capsys: Capture
) -> None:
    place = start(SPECIFICATION, PushOnly)
    assert isinstance(place.registry, PushOnly)
    base = place.base(same=False)
    for key in ("firstkey000000000001", "secondkey00000000002"):
        (place.project / "train.py").write_text(f"import argparse\nprint('{key}')\n")
        result = place.push(base, key, capsys, *flags)
        place.registry.readable = True
        _layers, (hyperparameters, *others) = asyncio.run(place.read(result))
        assert hyperparameters is not None
        assert (None in others) is bool(flags)
        place.registry.readable = False


def test_where_a_list_must_be_read_the_missing_permission_is_named(
    start: Start, capsys: Capture
) -> None:
    """Without the referrers API, what others have attached would be lost."""
    profile = next(each for each in PROFILES if each.name == "docker-registry 2.8")
    place = start(profile, PushOnly)
    base = place.base(same=False)
    place.backend.answer(Reply.of({"id": 1, "uploadKey": KEY, "command": "python train.py"}))
    assert keynet("push", "train.py", "--builder", "direct", "--base-image", base) == 8
    told = capsys.readouterr().err
    assert f"The image was pushed as {place.host}/kitech-model/{KEY}" in told
    assert "Could not read manifest" in told
