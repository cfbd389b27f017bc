"""The program of the first stage, run by this Python against a folder that stands for it."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from keynet.runtime.build import install, pip_archive

PROGRAM = Path(install.__file__)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The build files: one wheel and a requirements file that asks for it."""
    folder = tmp_path / "keynet"
    folder.mkdir()
    wheel = folder / "archives" / "tinydep-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinydep.py", "")
        archive.writestr("tinydep-1.0.dist-info/METADATA", "Name: tinydep\nVersion: 1.0\n")
        archive.writestr(
            "tinydep-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tinydep-1.0.dist-info/RECORD", "")
    (folder / "requirements.txt").write_text(f"--no-index\n./archives/{wheel.name}\n")
    (folder / "pip.zip").write_bytes(pip_archive.build().content)
    (folder / "proxies.json").write_text('{"http_proxy": "http://proxy:1"}')
    (folder / "paths.json").write_text('["/workspace/src"]')
    return folder


def _install(
    stage: Path, before: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    code = (
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); {before}\n"
        "import install; from pathlib import Path\n"
        f"sys.exit(install.main(Path({str(stage)!r}), Path({str(stage.parent / 'made')!r})))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def _python(stage: Path, code: str) -> str:
    argv = [str(stage.parent / "made" / "bin" / "python"), "-c", code]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_environment_has_the_packages_and_sees_the_bases(stage: Path) -> None:
    done = _install(stage, environment={"PIP_USER": "1", "PIP_TARGET": str(stage / "elsewhere")})
    assert done.returncode == 0, done.stderr
    assert _python(stage, "import tinydep; print(tinydep.__file__)").startswith(str(stage.parent))
    # This Python's own packages, although it may be a virtual environment itself.
    assert _python(stage, "import packaging; print('seen')") == "seen"
    assert _python(stage, "import sys; print(sys.prefix)") == str(stage.parent / "made")
    written = next((stage.parent / "made").rglob("_keynet_workspace.pth"))
    assert written.read_text() == "/workspace/src\n"


@pytest.mark.slow
def test_pip_comes_along_where_the_base_has_none(stage: Path) -> None:
    hide = "import sys; sys.prefix = sys.base_prefix"
    (stage / "pip.py").write_text("raise SystemExit('no pip here')\n")
    done = _install(stage, before=hide, environment={"PYTHONPATH": str(stage)})
    assert done.returncode == 0, done.stderr
    assert "keynet-pip-" in done.stdout


def test_no_pip_that_runs_is_said(stage: Path) -> None:
    (stage / "pip.py").write_text("raise SystemExit('no pip here')\n")
    nothing = "import install; install.unpacked_pips = lambda python, stage: iter(())"
    done = _install(stage, before=nothing, environment={"PYTHONPATH": str(stage)})
    assert done.returncode == 1
    assert "the base image has no pip" in done.stderr


def test_missing_standard_library_is_said(stage: Path) -> None:
    done = _install(stage, before="sys.modules['json'] = None")
    assert done.returncode == 1
    assert "python3-minimal" in done.stderr


@pytest.mark.slow
def test_references_of_a_requirements_file_are_those_of_its_folder(
    stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (stage / "requirements.txt").write_text("--no-index\n-r requirements-1.txt\n")
    (stage / "requirements-1.txt").write_text("--find-links archives\ntinydep\n")
    done = _install(stage)
    assert done.returncode == 0, done.stderr
    assert _python(stage, "import tinydep; print('seen')") == "seen"


@pytest.mark.slow
def test_status_of_pip_is_the_programs_own(stage: Path) -> None:
    (stage / "requirements.txt").write_text("--no-index\nnothing-of-this-name\n")
    done = _install(stage)
    assert done.returncode == 1
    assert "nothing-of-this-name" in done.stderr


def test_network_reaches_pip_by_variables(stage: Path) -> None:
    (stage / "ca.pem").write_text("PEM")
    (stage / "pip.conf").write_text("[global]\n")
    proxies = json.loads((stage / "proxies.json").read_text())
    found = install.child_environment(stage, stage / "made", proxies)
    assert found["http_proxy"] == "http://proxy:1"
    assert found["PIP_CONFIG_FILE"] == str(stage / "pip.conf")
    assert found["PIP_CERT"] == found["SSL_CERT_FILE"] == str(stage / "ca.pem")
    assert found["PATH"].startswith(f"{stage}/made/bin:")


def test_program_keeps_to_an_old_grammar() -> None:
    ast.parse(PROGRAM.read_text(), feature_version=(3, 6))
