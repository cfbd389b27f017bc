"""The program that installs, run by this Python against a folder that stands for the build's."""

import ast
import functools
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uv

from keynet.oci.reference import Reference
from keynet.plan import Dependencies, HostNetwork, Recipe
from keynet.recipe.dependencies.sources import pins
from keynet.runtime.build import inside, pip_archive, rendering
from keynet.runtime.build.inside import install
from tests.tables import table

FOLDER = Path(inside.__file__).parent
RECIPE = Recipe(
    Reference.parse("python:3.11-slim"),
    ("python", "train.py"),
    dependencies=Dependencies(None, {"requirements.txt": b""}),
)
NOTHING = Path("/nothing")
UV = Path(uv.find_uv_bin())
# This machine's own, and whatever pyenv has.
PYTHONS = [Path("/usr/bin/python3"), *Path.home().glob(".pyenv/versions/3.*/bin/python3")]


def wheel(folder: Path, name: str, version: str = "1.0", requires: str = "") -> Path:
    """Write a wheel of one module, which names its version."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/entry_points.txt", f"[console_scripts]\n{name} = {name}:x\n")
        files = (f"{name}.py", f"{about}/METADATA", f"{about}/WHEEL", f"{about}/entry_points.txt")
        archive.writestr(f"{about}/RECORD", "".join(f"{file},,\n" for file in files))
    return path


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The build files: one wheel and a requirements file that asks for it."""
    folder = tmp_path / "keynet"
    folder.mkdir()
    made = wheel(folder / "archives", "tinydep")
    (folder / "requirements.txt").write_text(f"--no-index\n./archives/{made.name}\n")
    for name, content in rendering.two_stages(RECIPE, HostNetwork()).build_files.items():
        if name.startswith("keynet/") and isinstance(content, bytes):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    packed = pip_archive.build().content
    assert isinstance(packed, bytes)
    (folder / "pip.zip").write_bytes(packed)
    (folder / "proxies.json").write_text('{"http_proxy": "http://proxy:1"}')
    (folder / "installer.json").write_text('{"installer": "auto", "pip_because": []}')
    (folder / "paths.json").write_text('["/workspace/src"]')
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A Python of its own, since the installation writes a file next to its packages."""
    folder = tmp_path / "base"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def run(
    stage: Path,
    base: Path,
    *,
    uv: Path = UV,
    before: str = "",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Install to the folder ``made`` next to the stage."""
    code = (
        f"import sys; sys.path.insert(0, {str(stage)!r}); {before}\n"
        "from keynet.runtime.build.inside import install; from pathlib import Path\n"
        f"made = Path({str(stage.parent / 'made')!r})\n"
        f"sys.exit(install.main(Path({str(stage)!r}), made, Path({str(uv)!r})))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [str(base), "-c", code],
        env={**clean, "PYTHONPATH": "", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def python(program: Path, *arguments: str) -> str:
    """Run a Python and return what it prints."""
    argv = [str(program), *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def made(stage: Path) -> Path:
    """Return the Python of the environment that ``run`` has made."""
    return stage.parent / "made" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("uv", [UV, NOTHING], ids=["uv", "pip"])
def test_environment_has_the_packages_and_sees_the_bases(stage: Path, base: Path, uv: Path) -> None:
    site = Path(python(base, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (site / "brought.py").write_text("")
    misleading = {
        "PIP_USER": "1",
        "PIP_TARGET": str(stage / "elsewhere"),
        "UV_TARGET": str(stage / "elsewhere"),
        "UV_INDEX_STRATEGY": "first-index",
    }
    done = run(stage, base, uv=uv, environment=misleading)
    assert done.returncode == 0, done.stderr
    name = "pip" if uv == NOTHING else "uv"
    assert f"keynet: {name} installs for Python" in done.stderr
    where = python(made(stage), "-c", "import tinydep, brought; print(tinydep.__file__)")
    assert where.startswith(str(stage.parent))
    assert list(stage.parent.glob("made/lib/*/site-packages/__pycache__/tinydep.*.pyc"))
    assert python(made(stage), "-c", "import sys; print(sys.prefix)") == str(stage.parent / "made")
    written = next((stage.parent / "made").rglob("_keynet_workspace.pth"))
    assert written.read_text() == "/workspace/src\n"
    script = (stage.parent / "made" / "bin" / "tinydep").read_text()
    assert script.startswith(f"#!{stage.parent}/made/bin/python")


@pytest.mark.slow
@pytest.mark.parametrize("uv", [UV, NOTHING], ids=["uv", "pip"])
def test_nothing_but_the_environment_is_left(stage: Path, base: Path, uv: Path) -> None:
    done = run(stage, base, uv=uv)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (stage.parent / "made").iterdir()}
    assert names == {"bin", "lib", "lib64", "pyvenv.cfg"}


@pytest.mark.slow
def test_the_bases_own_programs_see_the_same_versions(stage: Path, base: Path) -> None:
    site = Path(python(base, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (site / "tinydep.py").write_text("VERSION = 'of the base'\n")
    done = run(stage, base)
    assert done.returncode == 0, done.stderr
    for program in (base, made(stage)):
        for isolated in ([], ["-I"]):
            seen = python(program, *isolated, "-c", "import tinydep; print(tinydep.VERSION)")
            assert seen == "1.0"
    (link,) = site.glob("keynet.pth")
    assert link.stat().st_mode & 0o777 == 0o644
    paths = [
        json.loads(python(program, "-c", "import json, sys; print(json.dumps(sys.path))"))
        for program in (base, made(stage))
    ]
    own = str(next((stage.parent / "made").glob("lib/python*/site-packages")))
    for path in paths:
        assert path.count(own) == 1
        assert path.index(own) < path.index(str(site))


@pytest.mark.slow
@pytest.mark.parametrize("uv", [UV, NOTHING], ids=["uv", "pip"])
@pytest.mark.parametrize(
    ("wanted", "expected"), [("brought>=1", "of the base"), ("brought>=3", "3.0")]
)
def test_a_package_of_the_base_is_used_where_it_fits_else_a_newer_one_wins(
    stage: Path, base: Path, uv: Path, wanted: str, expected: str
) -> None:
    site = Path(python(base, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    about = site / "Brought-2.0.dist-info"
    about.mkdir()
    (site / "brought.py").write_text("VERSION = 'of the base'\n")
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Brought\nVersion: 2.0\nRequires-Dist: tinydep\n"
    )
    (about / "RECORD").write_text("brought.py,,\n")
    wheel(stage / "archives", "brought", "3.0", "tinydep")
    (stage / "requirements.txt").write_text(f"--no-index\n--find-links archives\n{wanted}\n")
    before = sorted(path.name for path in about.iterdir())
    done = run(stage, base, uv=uv)
    assert done.returncode == 0, done.stderr
    seen = python(made(stage), "-c", "import brought, tinydep; print(brought.VERSION)")
    assert seen == expected
    assert sorted(path.name for path in about.iterdir()) == before
    assert (site / "brought.py").read_text() == "VERSION = 'of the base'\n"
    installed = {path.name for path in stage.parent.glob("made/lib/*/site-packages/*.dist-info")}
    more = {"brought-3.0.dist-info"} if expected == "3.0" else set()
    assert installed == {"tinydep-1.0.dist-info", *more}


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Two indexes, ``usual/`` and ``own/``; give their address and the paths that are asked."""
    asked: list[str] = []

    class Index(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            asked.append(self.path)

    root = tmp_path / "indexes"
    for path, name, version, requires in (
        ("usual/inner", "inner", "9.0", ""),
        ("usual/outer", "outer", "1.0", "inner"),
        ("own/inner", "inner", "1.0", ""),
    ):
        (root / path).mkdir(parents=True)
        wheel(root / path, name, version, requires)
    handler = functools.partial(Index, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def _pinned(stage: Path, address: str) -> None:
    lines = ("inner", "outer")
    content, _names = pins.render(lines, {"inner": f"{address}/own/"})
    (stage / "pinned").mkdir()
    (stage / pins.PATH).write_bytes(content)
    requirements = f"--index-url {address}/usual/\ninner\nouter\n"
    (stage / "requirements.txt").write_text(requirements)
    (stage / "proxies.json").write_text("{}")


@pytest.mark.slow
def test_a_package_of_one_index_is_never_asked_of_another(
    stage: Path, base: Path, indexes: tuple[str, list[str]]
) -> None:
    address, asked = indexes
    _pinned(stage, address)
    done = run(stage, base)
    assert done.returncode == 0, done.stderr
    # Not the newer one, although another package requires it, too.
    assert python(made(stage), "-c", "import inner; print(inner.VERSION)") == "1.0"
    assert python(made(stage), "-c", "import outer; print(outer.VERSION)") == "1.0"
    assert "/own/inner/" in asked
    assert not any(path.startswith("/usual/inner") for path in asked)


@pytest.mark.slow
def test_the_index_of_a_pinned_package_is_the_one_that_explains_a_failure(
    stage: Path, base: Path, indexes: tuple[str, list[str]]
) -> None:
    address, _asked = indexes
    _pinned(stage, f"{address}/nowhere")
    done = run(stage, base)
    assert done.returncode != 0
    assert f"keynet: {address}/nowhere/own/ answers 404 for inner" in done.stderr
    assert f"{address}/nowhere/usual/ answers 404 for inner" not in done.stderr
    started = next(line for line in done.stderr.splitlines() if "uv installs for" in line)
    assert f"{address}/nowhere/own/" in started


@pytest.mark.slow
def test_pip_never_installs_what_comes_from_one_index(
    stage: Path, base: Path, indexes: tuple[str, list[str]]
) -> None:
    address, asked = indexes
    _pinned(stage, address)
    done = run(stage, base, uv=NOTHING)
    assert done.returncode == 1
    assert "come from an index of their own" in done.stderr
    assert asked == []


@pytest.mark.slow
def test_pip_comes_along_where_the_base_has_none(stage: Path, base: Path) -> None:
    (stage / "pip.py").write_text("raise SystemExit('no pip here')\n")
    done = run(stage, base, uv=NOTHING, environment={"PYTHONPATH": str(stage)})
    assert done.returncode == 0, done.stderr
    assert "keynet-pip-" in done.stdout
    assert "keynet: pip installs for Python" in done.stderr
    assert "(keynet has no uv for this platform)" in done.stderr


@pytest.mark.medium
def test_no_pip_that_runs_is_said(stage: Path, base: Path) -> None:
    (stage / "pip.py").write_text("raise SystemExit('no pip here')\n")
    nothing = (
        "from keynet.runtime.build.inside import pip_installer; "
        "pip_installer.unpacked_pips = lambda python, stage: iter(())"
    )
    done = run(stage, base, uv=NOTHING, before=nothing, environment={"PYTHONPATH": str(stage)})
    assert done.returncode == 1
    assert "the base image has no pip" in done.stderr


@pytest.mark.medium
def test_missing_standard_library_is_said(stage: Path, base: Path) -> None:
    done = run(stage, base, before="sys.modules['json'] = None")
    assert done.returncode == 1
    assert "python3-minimal" in done.stderr


@pytest.mark.parametrize("content", ["#!/nothing/at/all\n", "#!/bin/false\n"])
@pytest.mark.slow
def test_a_uv_that_does_not_run_leaves_it_to_pip(stage: Path, base: Path, content: str) -> None:
    unfit = stage / "uv"
    unfit.write_text(content)
    unfit.chmod(0o755)
    done = run(stage, base, uv=unfit)
    assert done.returncode == 0, done.stderr
    assert "(uv does not run on this base" in done.stderr


@pytest.mark.medium
def test_uv_that_is_insisted_on_and_cannot_is_an_error(stage: Path, base: Path) -> None:
    (stage / "installer.json").write_text('{"installer": "uv", "pip_because": ["a reason"]}')
    done = run(stage, base)
    assert done.returncode == 1
    assert "uv cannot install here: a reason" in done.stderr


@pytest.mark.slow
def test_pip_is_taken_for_what_only_pip_knows(stage: Path, base: Path) -> None:
    (stage / "installer.json").write_text('{"installer": "auto", "pip_because": ["a reason"]}')
    done = run(stage, base)
    assert done.returncode == 0, done.stderr
    assert "keynet: pip installs" in done.stderr
    assert "(a reason)" in done.stderr


@pytest.mark.medium
@pytest.mark.parametrize("uv", [UV, pytest.param(NOTHING, marks=pytest.mark.slow)])
def test_references_of_a_requirements_file_are_those_of_its_folder(
    stage: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uv: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (stage / "requirements.txt").write_text("--no-index\n-r requirements-1.txt\n")
    (stage / "requirements-1.txt").write_text("--find-links archives\ntinydep\n")
    done = run(stage, base, uv=uv)
    assert done.returncode == 0, done.stderr
    assert python(made(stage), "-c", "import tinydep; print('seen')") == "seen"


@pytest.mark.medium
@pytest.mark.parametrize("uv", [UV, pytest.param(NOTHING, marks=pytest.mark.slow)])
def test_status_of_the_installer_is_the_programs_own(stage: Path, base: Path, uv: Path) -> None:
    (stage / "requirements.txt").write_text("--no-index\nnothing-of-this-name\n")
    done = run(stage, base, uv=uv)
    assert done.returncode == 1
    assert "nothing-of-this-name" in done.stderr


@pytest.mark.medium
def test_network_reaches_pip_by_variables(stage: Path) -> None:
    (stage / "ca.pem").write_text("PEM")
    (stage / "pip.conf").write_text("[global]\n")
    proxies = json.loads((stage / "proxies.json").read_text())
    found = install.child_environment(stage, stage / "made", proxies)
    assert found["http_proxy"] == "http://proxy:1"
    assert found["PIP_CONFIG_FILE"] == str(stage / "pip.conf")
    assert found["PIP_CERT"] == found["SSL_CERT_FILE"] == str(stage / "ca.pem")
    assert found["PATH"].startswith(f"{stage}/made/bin:")


@table("path", sorted(FOLDER.glob("*.py")))
def test_programs_keep_to_an_old_grammar(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 6))


@pytest.mark.slow
@pytest.mark.parametrize("program", PYTHONS, ids=lambda path: path.parts[-3])
def test_other_pythons_install_alike(stage: Path, tmp_path: Path, program: Path) -> None:
    folder = tmp_path / "other"
    subprocess.run([str(program), "-m", "venv", "--without-pip", str(folder)], check=True)
    done = run(stage, folder / "bin" / "python")
    assert done.returncode == 0, done.stderr
    version = json.loads(python(program, "-c", "import sys; print(list(sys.version_info[:2]))"))
    expected = "uv" if version >= [3, 8] else "pip"
    assert f"keynet: {expected} installs for Python {version[0]}.{version[1]}" in done.stderr
    assert python(made(stage), "-c", "import tinydep; print(tinydep.VERSION)") == "1.0"
