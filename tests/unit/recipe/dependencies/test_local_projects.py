"""Local projects: where their modules are, and the wheel that stands for them."""

import importlib.metadata
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from tests.tables import table

from .projects import OWN, find, lines, wheel, write

SETUP = "from setuptools import find_packages, setup\n"
EDITABLE = {"requirements.txt": "-e .\n"}
DYNAMIC = '[project]\nname = "own"\ndynamic = ["version"]\n'
SETUPTOOLS = OWN + "[tool.setuptools]\npackage-dir = "
CFG = "[metadata]\nname = own\n"
PACKAGES = {
    "lib/own/__init__.py": "",
    "src/x.py": "",
    "own/__init__.py": "",
    "code/__init__.py": "",
}


@table(
    ("files", "expected"),
    [
        ({"pyproject.toml": OWN}, ("src", ".")),
        ({"pyproject.toml": SETUPTOOLS + '{"" = "lib"}\n'}, ("lib",)),
        ({"pyproject.toml": OWN + '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'}, ("lib",)),
        ({"pyproject.toml": SETUPTOOLS + '{own = "lib/own"}\n'}, ("lib",)),
        ({"pyproject.toml": OWN + '[tool.hatch.build.targets.wheel]\npackages = ["lib/own"]\n'},
         ("lib",)),
        ({"pyproject.toml": OWN + '[tool.uv.build-backend]\nmodule-root = ""\n'}, (".",)),
        ({"pyproject.toml": OWN + '[tool.pdm.build]\npackage-dir = "lib"\n'}, ("lib",)),
        ({"pyproject.toml": SETUPTOOLS + '{"" = "/etc"}\n'}, ("src", ".")),
        ({"pyproject.toml": SETUPTOOLS + '{"" = ".."}\n'}, ("src", ".")),
        ({"pyproject.toml": '[tool.poetry]\nname = "own"\nversion = "1"\n'
          'packages = [{include = "own", from = "lib"}]\n'}, ("lib",)),
        ({"setup.cfg": CFG + "[options]\npackage_dir =\n  = lib\n"}, ("lib",)),
        ({"setup.cfg": CFG + "[options.packages.find]\nwhere = lib\n"}, ("lib",)),
        ({"setup.py": SETUP + "setup(name='own', package_dir={'': 'lib'})\n"}, ("lib",)),
        ({"setup.py": SETUP + "D = 'lib'\nsetup(name='own', package_dir={'': D})\n"}, ("lib",)),
        ({"setup.py": SETUP + "setup(name='own', packages=find_packages('lib'))\n"}, ("lib",)),
        ({"setup.py": SETUP + "setup(packages=find_packages(where='lib'))\n"}, ("lib",)),
    ],
)  # fmt: skip
def test_modules_are_found_where_the_build_backend_has_them(
    tmp_path: Path, files: dict[str, str], expected: tuple[str, ...]
) -> None:
    found, _notices = find(write(tmp_path, {**EDITABLE, **PACKAGES, **files}))
    assert found.import_paths == expected


@table(
    "files",
    [
        {"pyproject.toml": '[project]\nname = "own"\nversion = "1.2"\n'},
        {"pyproject.toml": DYNAMIC + '[tool.setuptools.dynamic]\nversion = {attr = "own.V"}\n',
         "own/__init__.py": 'V = "1.2"\n'},
        {"pyproject.toml": DYNAMIC + '[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n',
         "VERSION": "1.2\n"},
        {"pyproject.toml": DYNAMIC + '[tool.hatch.version]\npath = "own/v.py"\n',
         "own/v.py": '__version__ = "1.2"\n'},
        {"pyproject.toml": '[project]\nname = "own"\ndynamic = ["version", "description"]\n',
         "own/__init__.py": '__version__: str = "1.2"\n'},
        {"pyproject.toml": '[project]\nname = "own"\ndynamic = ["version"]\n',
         "setup.cfg": "[metadata]\nversion = attr: own.__version__\n",
         "own/__init__.py": "__version__ = '1.2'\n"},
        {"pyproject.toml": '[build-system]\nrequires = []\n',
         "setup.py": SETUP + "VERSION = (1, 2)\nsetup(name='own', version='1' + '.2')\n"},
        {"setup.cfg": "[metadata]\nname = own\nversion = file: VERSION\n", "VERSION": "v1.2\n"},
    ],
)  # fmt: skip
def test_the_version_is_read_from_where_it_is_written(
    tmp_path: Path, files: dict[str, str]
) -> None:
    found, notices = find(write(tmp_path, {**EDITABLE, **files}))
    assert "./archives/own-1.2-py3-none-any.whl" in lines(found)
    assert notices == []


def test_a_version_that_only_the_backend_knows_is_said(tmp_path: Path) -> None:
    write(
        tmp_path, {**EDITABLE, "pyproject.toml": '[project]\nname = "own"\ndynamic = ["version"]\n'}
    )
    found, notices = find(tmp_path)
    assert lines(found) == ["./archives/own-0-py3-none-any.whl"]
    assert "only its build backend knows the version of own" in notices[0]


def test_the_wheel_has_metadata_and_commands(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **EDITABLE,
            "pyproject.toml": '[project]\nname = "Own.Pkg"\nversion = "0.7"\n'
            'requires-python = ">=3.9"\ndependencies = ["six>=1", "a @ https://example.com/a.whl"]\n'
            "optional-dependencies = { gpu = [\"torch; python_version > '3'\"] }\n"
            'scripts = { own-run = "own:main" }\nentry-points.plugins = { a = "own:a" }\n',
        },
    )
    content = wheel(find(tmp_path)[0], "own_pkg-0.7-py3-none-any.whl")
    assert content == wheel(find(tmp_path)[0], "own_pkg-0.7-py3-none-any.whl")
    target = tmp_path / "target"
    with zipfile.ZipFile(BytesIO(content)) as archive:
        archive.extractall(target)
    [installed] = importlib.metadata.distributions(path=[str(target)])
    assert installed.version == "0.7"
    assert installed.metadata["Name"] == "Own.Pkg"
    assert installed.requires == [
        "six>=1",
        "a @ https://example.com/a.whl",
        'torch; (python_version > "3") and extra == "gpu"',
    ]
    points = {(point.group, point.name, point.value) for point in installed.entry_points}
    assert points == {("console_scripts", "own-run", "own:main"), ("plugins", "a", "own:a")}


def test_line_breaks_of_a_project_are_no_lines_of_its_metadata(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **EDITABLE,
            "pyproject.toml": '[project]\nname = "own"\nversion = "1"\n'
            'requires-python = ">=3\\nRequires-Dist: evil"\n'
            'scripts = { "a" = "own:main\\n[x]\\ny = z:z" }\n',
        },
    )
    with zipfile.ZipFile(BytesIO(wheel(find(tmp_path)[0], "own-1-py3-none-any.whl"))) as archive:
        metadata = archive.read("own-1.dist-info/METADATA").decode().splitlines()
        points = archive.read("own-1.dist-info/entry_points.txt").decode().splitlines()
    assert not any(line.startswith("Requires-Dist") for line in metadata)
    assert points == ["[console_scripts]", "a = own:main [x] y = z:z"]


def test_a_package_of_another_folder_name_can_be_imported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **EDITABLE,
            "setup.py": SETUP + "setup(name='own', version='1', package_dir={'mine': 'code'})\n",
            "code/__init__.py": "from mine.sub import V\n",
            "code/sub.py": "V = 3\n",
        },
    )
    target = tmp_path / "target"
    with zipfile.ZipFile(BytesIO(wheel(find(tmp_path)[0], "own-1-py3-none-any.whl"))) as archive:
        archive.extractall(target)
    shim = target / "mine" / "__init__.py"
    shim.write_text(shim.read_text().replace("/workspace", str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", "import mine; print(mine.V)"],
        env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "3\n"


def test_markers_extras_and_hashes_of_a_local_project_are_kept(tmp_path: Path) -> None:
    digest = "0" * 64
    write(
        tmp_path,
        {
            "requirements.txt": "-e ./libs/own[gpu] ; python_version < '3.12'\n"
            f"six==1 --hash=sha256:{digest}\n",
            "libs/own/pyproject.toml": OWN + 'optional-dependencies = { gpu = ["torch"] }\n',
        },
    )
    found, _notices = find(tmp_path)
    [own, six] = lines(found)
    start = "./archives/own-1-py3-none-any.whl[gpu] ; python_version < '3.12' --hash=sha256:"
    assert own.startswith(start)
    assert len(own) == len(start) + 64
    assert six == f"six==1 --hash=sha256:{digest}"


def test_projects_that_need_each_other_are_read_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "requirements.txt": "-e ./a\n./b\n",
            "a/pyproject.toml": '[project]\nname = "a"\nversion = "1"\n'
            'dependencies = ["b @ file:../b"]\n',
            "b/pyproject.toml": '[project]\nname = "b"\nversion = "1"\n'
            'dependencies = ["a @ {root:uri}/../a"]\n',
        },
    )
    found, _notices = find(tmp_path)
    assert sorted(lines(found)) == [f"./archives/{name}-1-py3-none-any.whl" for name in "ab"]
    assert found.import_paths == ("a", "b")
    assert found.count == 2


def test_compiled_extensions_are_missed_with_a_warning(tmp_path: Path) -> None:
    write(
        tmp_path,
        {**EDITABLE, "setup.py": SETUP + "setup(name='own', version='1', ext_modules=[f()])\n"},
    )
    assert "compiled extensions are missing" in find(tmp_path)[1][0]


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContextInvalid, match=r"requirements.txt:1: .* has no pyproject.toml"):
        find(write(tmp_path, {**EDITABLE, "pyproject.toml": "[tool.black]\n"}))


@table(
    ("more", "expected"),
    [
        ('dependencies = ["six"]\n', True),
        ("[build-system]\nrequires = []\n", True),
        ('scripts = { run = "own:main" }\n', True),
        ('dependencies = ["six"]\n[tool.uv]\npackage = false\n', False),
        ('dependencies = ["Own>=2"]\n', False),
        ("", False),
    ],
)
def test_the_project_of_a_pyproject_has_metadata_unless_it_is_a_list(
    tmp_path: Path, more: str, expected: bool
) -> None:
    found, _notices = find(write(tmp_path, {"pyproject.toml": OWN + more}))
    assert ("archives/own-1-py3-none-any.whl" in found.files) is expected


@pytest.mark.parametrize(
    ("inside", "target"),
    [
        ("", "file:///${PROJECT_ROOT}/lib"),
        ("app/", "file:///${PROJECT_ROOT}/../lib"),
        ("app/", "{root:parent:uri}/lib"),
    ],
)
def test_a_path_of_the_project_as_its_tool_writes_it(
    tmp_path: Path, inside: str, target: str
) -> None:
    project = f'[project]\nname = "app"\nversion = "1"\ndependencies = ["lib @ {target}"]\n'
    lib = '[project]\nname = "lib"\nversion = "2"\n'
    files = {f"{inside}pyproject.toml": project, "lib/pyproject.toml": lib}
    write(tmp_path, files)
    found, _notices = find(tmp_path, script=tmp_path / inside / "train.py")
    assert "lib==2" in found.lines


def test_the_empty_folder_of_a_submodule_is_explained(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "-e third/lib\n"})
    (tmp_path / "third/lib").mkdir(parents=True)
    with pytest.raises(ContextInvalid) as caught:
        find(tmp_path)
    assert "git submodule update --init" in caught.value.hint
