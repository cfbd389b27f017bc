"""The examples of docs/registry.md, run in order against a real registry."""

import ast
import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.archives import docker_old, random_image, write
from tests.testbed.registry import RegistryServer

PAGE = Path(__file__).parents[2] / "docs/registry.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.registry
def test_every_example_of_the_page_runs(
    make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> None:
    server = make_registry()
    archive = write(tmp_path / "app.tar", docker_old(random_image(1, tags=["shop/web:1", "b:2"])))
    names: dict[str, object] = {
        "archive": archive,
        "registry_url": server.url,
        "folder": tmp_path,
    }
    assert len(EXAMPLES) >= 9
    for number, example in enumerate(EXAMPLES):
        code = compile(example, f"example {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)
        if running is not None:
            asyncio.run(running)
    assert (tmp_path / "app-oci.tar").exists()
