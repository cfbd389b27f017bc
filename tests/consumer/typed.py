"""A project that uses keynet, as its type checker sees it: checked by mypy, never run."""

from pathlib import Path
from typing import assert_type

import keynet
from keynet import registry


def from_a_script(script: Path, emit: keynet.Emit) -> str:
    assert_type(keynet.extract("train.py"), keynet.Extraction)
    result = keynet.push(
        script, project=1, labels={"team": "vision"}, secrets={"token": script}, emit=emit
    )
    assert_type(result, keynet.PushResult)
    assert_type(result.image, keynet.Reference)
    assert_type(result.digest, keynet.Digest)
    assert_type(result.engine, keynet.WorkingEngine)
    assert_type(result.bytes_pushed, int | None)
    assert_type(keynet.build(script, output="oci:image"), keynet.BuildResult)
    user = keynet.login("https://api.example.com", username="a", password=keynet.Secret("b"))
    assert_type(user, keynet.SignedInUser)
    return f"{user.name} {result.image}"


def of_errors(script: Path) -> int:
    try:
        keynet.push(script)
    except keynet.RegistryError as error:
        assert_type(error.status, int | None)
        return int(error.temporary)
    except keynet.KeynetError as error:
        assert_type(error.message, str)
        assert_type(error.hint, str)
        return error.exit_status
    return 0


async def from_an_archive(archive: Path) -> registry.ImageInspect:
    assert_type(await registry.push_docker_tar(archive, "r.example.com", "app", "1"), str)
    assert_type(await registry.list_tags("r.example.com", "app"), list[str])
    return await registry.get_image_info("r.example.com", "app", "1")
