"""keynet from Python: the page's examples and the notebook, with a real engine and a platform."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.testbed.machine import CHECKOUT
from tests.testbed.stores import Store

EXAMPLES = re.findall(r"```python\n(.*?)```", (CHECKOUT / "docs/python.md").read_text(), re.DOTALL)
NOTEBOOK = CHECKOUT / "examples/notebook/train_and_push.ipynb"
SCRIPT = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float)\n"

pytestmark = [pytest.mark.registry, pytest.mark.buildah]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running


@pytest.fixture
def variables(
    tmp_path: Path, root_store: Store, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """Set this process's environment to that of a user with buildah and no login."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    chosen = {
        **{name: value for name, value in root_store.environment.items() if name != "PWD"},
        # The examples log this user's engines in.
        "XDG_RUNTIME_DIR": str(runtime),
        "KEYNET_BUILDER": "buildah",
        "KEYNET_CONFIG": str(tmp_path / "config.json"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PATH": f"/usr/bin:/usr/sbin:/bin:/sbin:{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


def test_every_example_of_the_page_runs(
    sandbox: SandboxProcess,
    variables: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {
        "server_url": sandbox.server_url,
        "username": sandbox.username,
        "password": sandbox.password,
    }
    assert len(EXAMPLES) >= 5
    for number, example in enumerate(EXAMPLES):
        exec(compile(example, f"example {number}", "exec"), names)
    assert (tmp_path / "train.tar").exists()
    stored = json.loads((tmp_path / "runtime/containers/auth.json").read_text())
    assert list(stored["auths"]) == [sandbox.registry]
    printed = capfd.readouterr()
    assert "lr float None" in printed.out
    assert f"{sandbox.registry}/kitech-model/" in printed.out
    # What the examples print, and nothing else.
    assert printed.err == ""


def test_the_notebook_runs_in_a_real_kernel(
    sandbox: SandboxProcess, variables: Mapping[str, str], tmp_path: Path
) -> None:
    shutil.copy(NOTEBOOK, tmp_path)
    notebook = nbformat.read(tmp_path / NOTEBOOK.name, as_version=4)
    kernel = {
        **variables,
        "KEYNET_SERVER": sandbox.server_url,
        "KEYNET_USERNAME": sandbox.username,
        "KEYNET_PASSWORD": sandbox.password,
    }
    folder = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, timeout=900, startup_timeout=300, resources=folder)
    with contextlib.suppress(KeyError):
        del kernel["HOME"]
    client.execute(env={**os.environ, **kernel})
    outputs = [str(output) for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "\n".join(outputs)
    assert "('lr', 'float', 0.01)" in text
    assert "buildah" in text
    assert f"{sandbox.registry}/kitech-model/" in text
    assert "latest" in outputs[-1]
    assert not any(output.get("name") == "stderr" for cell in notebook.cells
                   for output in cell.get("outputs", []))  # fmt: skip
