"""Install the dependencies. Runs in the build, with the base image's Python.

Standard library only, Python 3.6 or newer, no shell. Creates an environment that sees the base's
packages (PEP 405), so that packages of the base are used and not installed again. Installs with
the base's pip, else ensurepip's pip, else the pip that keynet sends along. Settings of the host's
network are read from files that do not become part of the image.
"""

import os
import sys

try:
    import itertools
    import json
    import subprocess
    import sysconfig
    import tempfile
    import zipfile
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

except ImportError as missing:
    sys.stderr.write(
        f"keynet: the base image's Python lacks a part of its standard library ({missing}); "
        "on Debian the package python3-minimal is not enough, it needs python3.\n"
    )
    sys.exit(1)

# Each of these would make pip install outside the environment.
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN")
_CA = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
_QUIET = {
    "PIP_NO_CACHE_DIR": "1",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_PROGRESS_BAR": "off",
}
_DEBIAN_WHEELS = Path("/usr/share/python-wheels")


def main(stage: "Path", prefix: "Path") -> int:
    """Install the requirements of ``stage`` in ``prefix``; return pip's exit status."""
    os.umask(0o022)
    # What this program leaves in the file system would become part of the layer: use one
    # temporary folder, and remove it.
    with tempfile.TemporaryDirectory(prefix="keynet-") as scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = scratch
        return install(stage, prefix)


def install(stage: "Path", prefix: "Path") -> int:
    """Create the environment and run pip; return pip's exit status."""
    environment = child_environment(stage, prefix, read_json(stage / "proxies.json"))
    python = make_environment(prefix)
    packages = site_packages(python, environment)
    packages.mkdir(parents=True, exist_ok=True)
    add_import_paths(packages / "_keynet_base.pth", parent_packages())
    pip = find_pip(python, stage, environment)
    if pip is None:
        sys.stderr.write(
            "keynet: the base image has no pip, and the one that keynet sends does not run on "
            "its Python {}.{}.\n".format(*sys.version_info[:2])
        )
        return 1
    command = [*pip, "install", "--requirement", str(stage / "requirements.txt")]
    status = subprocess.call(command, env=environment, cwd=str(stage))
    # After pip, because these paths would change what pip regards as installed.
    add_import_paths(packages / "_keynet_workspace.pth", read_json(stage / "paths.json"))
    return status


def read_json(file: "Path") -> "Any":
    """Return the content of a JSON file written by keynet."""
    return json.loads(file.read_text(encoding="utf-8"))


def child_environment(stage: "Path", prefix: "Path", host: "dict[str, str]") -> "dict[str, str]":
    """Return the base's variables, with the host's network settings added."""
    environment = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    environment.update(_QUIET)
    environment.update(host)
    path = environment.get("PATH") or os.defpath
    environment["PATH"] = str(prefix / "bin") + os.pathsep + path
    configuration = stage / "pip.conf"
    if configuration.exists():
        environment["PIP_CONFIG_FILE"] = str(configuration)
    bundle = stage / "ca.pem"
    if bundle.exists():
        environment.update(dict.fromkeys(_CA, str(bundle)))
    return environment


def make_environment(prefix: "Path") -> "Path":
    """Create an environment as PEP 405 describes: not every base has the venv module.

    Return its Python.
    """
    base = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    (prefix / "lib64").symlink_to("lib")
    (prefix / "pyvenv.cfg").write_text(
        "home = {}\ninclude-system-site-packages = true\nversion = {}.{}.{}\n".format(
            base.parent, *sys.version_info[:3]
        ),
        encoding="utf-8",
    )
    python = prefix / "bin" / "python"
    python.symlink_to(base)
    for name in ("python3", "python{}.{}".format(*sys.version_info[:2])):
        (prefix / "bin" / name).symlink_to("python")
    return python


def site_packages(python: "Path", environment: "dict[str, str]") -> "Path":
    """Return the folder where the new environment has its packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    output = subprocess.check_output([str(python), "-c", code], env=environment)
    return Path(os.fsdecode(output).strip())


def parent_packages() -> "list[str]":
    """Return the base's package folders if the base is a virtual environment itself."""
    if sys.prefix == sys.base_prefix:
        return []
    paths = sysconfig.get_paths()
    return sorted({paths["purelib"], paths["platlib"]})


def add_import_paths(file: "Path", paths: "list[str]") -> None:
    """Write a .pth file that puts folders at the end of the import path."""
    if paths:
        file.write_text("".join(path + "\n" for path in paths), encoding="utf-8")


def find_pip(python: "Path", stage: "Path", environment: "dict[str, str]") -> "list[str] | None":
    """Return the command of the first pip that runs; None if no pip runs.

    The base's own pip is tried first: keynet's may be too new for the base's Python.
    """
    base = [str(python), "-m", "pip"]
    for pip in itertools.chain([base], unpacked_pips(python, stage)):
        answered = subprocess.call(
            [*pip, "--version"], env=environment, cwd=str(stage), stderr=subprocess.DEVNULL
        )
        if answered == 0:
            return pip
    return None


def unpacked_pips(python: "Path", stage: "Path") -> "Iterator[list[str]]":
    """Yield the commands of ensurepip's pip and keynet's own, each unpacked.

    A pip inside an archive cannot build packages.
    """
    bundled = Path(sysconfig.get_paths()["stdlib"]) / "ensurepip" / "_bundled"
    wheels = [*sorted(bundled.glob("pip-*.whl")), *sorted(_DEBIAN_WHEELS.glob("pip-*.whl"))]
    for archive in [*wheels, stage / "pip.zip"]:
        folder = tempfile.mkdtemp(prefix="keynet-pip-")
        with zipfile.ZipFile(str(archive)) as file:
            file.extractall(folder)
        yield [str(python), str(Path(folder) / "pip")]


if __name__ == "__main__":
    sys.exit(main(Path("/keynet"), Path("/opt/keynet")))
