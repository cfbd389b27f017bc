"""Deletion that a registry does not offer, and the hint for it."""

import asyncio

import pytest

from keynet.errors import RegistryError
from keynet.registry import delete_image, push_docker_tar
from tests.fakes.archives import docker_old, random_image, write
from tests.fakes.registry import MemoryRegistry, Reply, on_loopback

UNSUPPORTED = b'{"errors": [{"code": "UNSUPPORTED", "message": "The operation is unsupported."}]}'


class NoDeletion(MemoryRegistry):
    """A registry that has its own answer to DELETE."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        if method == "DELETE":
            return self.reply
        return super().answer(method, target, headers, body, partial=partial)


@pytest.mark.parametrize(
    ("reply", "says", "hint"),
    [
        (Reply(405, {}, UNSUPPORTED), "does not allow deletion", "enable deletion"),
        (Reply(400, {}, UNSUPPORTED), "does not allow deletion", "enable deletion"),
        (Reply(405), "does not allow deletion", "web page"),
        (Reply(501), "does not allow deletion", "web page"),
        (Reply(404, {}, b"404 page not found"), "does not offer deletion", "enable deletion"),
        (Reply(404), "does not offer deletion", "web page"),
        (Reply(403, {}, b"deletion is disabled"), "does not allow deletion", "enable deletion"),
        (Reply(403, {}, UNSUPPORTED.replace(b"UNSUPPORTED", b"DENIED")), "deletion", "web page"),
    ],
)
@pytest.mark.needs("deletion")
def test_a_registry_without_deletion_is_not_one_without_the_image(
    tmp_path_factory: pytest.TempPathFactory, reply: Reply, says: str, hint: str
) -> None:
    archive = write(tmp_path_factory.mktemp("a") / "a.tar", docker_old(random_image(1)))

    async def run() -> None:
        async with on_loopback(NoDeletion(reply)) as host:
            await push_docker_tar(archive, host, "team/app", "1")
            await delete_image(host, "team/app", "1")

    with pytest.raises(RegistryError, match=says) as caught:
        asyncio.run(run())
    assert caught.value.status == reply.status
    assert hint in caught.value.hint
