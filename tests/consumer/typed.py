"""A project that uses keynet, as its type checker sees it: checked by mypy, never run."""

from pathlib import Path
from typing import assert_type

import keynet
from keynet import registry, runtime


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


def of_an_engine() -> bool:
    engine = runtime.connect("docker")
    assert_type(engine, runtime.Engine)
    assert_type(engine.ping(timeout_s=1), float)
    assert_type(engine.version(), runtime.EngineVersion)
    assert_type(engine.system().limits, frozenset[str])
    assert_type(engine.ensure_network("team").managed, runtime.Labels | None)
    assert_type(keynet.runtime_settings().limits, runtime.Limits)
    with runtime.HealthMonitor(engine, interval_s=5, on_change=print) as monitor:
        assert_type(monitor.health, runtime.Health | None)
    return runtime.check_health(engine).healthy


async def watched(engine: runtime.Engine) -> None:
    async def on_change(health: runtime.Health) -> None:
        print(health.reason)

    async with runtime.HealthMonitor(engine, on_change=on_change) as monitor:
        async for health in monitor.changes():
            assert_type(health, runtime.Health)
