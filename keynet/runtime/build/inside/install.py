"""Install the dependencies. Runs in the build, with the base image's Python.

Standard library only, Python 3.6 or newer, no shell. Creates an environment that sees the base's
packages (PEP 405), so that packages of the base are used and not installed again. Installs with
keynet's own uv if it runs on the base, else with pip. Settings of the host's network are read
from files that do not become part of the image.
"""

import os
import sys

try:
    import json
    import shutil
    import tempfile
    from pathlib import Path
    from typing import Any

    from keynet.runtime.build.inside import (
        made_environment,
        pip_installer,
        pip_options,
        shown_errors,
        uv_installer,
    )

except ImportError as missing:
    sys.stderr.write(
        f"keynet: the base image's Python lacks a part of its standard library ({missing}); "
        "on Debian the package python3-minimal is not enough, it needs python3.\n"
    )
    sys.exit(1)

# Each of these would put packages, or their byte code, outside the environment.
_MISLEADING = (
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN"),
    "PYTHONPYCACHEPREFIX",
)
_CA = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
# Build files that are not part of the dependencies' own set of files.
_OWN = (
    *("keynet", "install.py", "paths.json", "proxies.json", "installer.json"),
    *("ca.pem", "netrc", "pip.conf", "pip.zip", "uv"),
)


def main(stage: "Path", prefix: "Path", uv: "Path", layer: "Path | None" = None) -> int:
    """Install the requirements of ``stage`` in ``prefix``; return the installer's exit status.

    Args:
        stage: The folder of the build files.
        uv: Where keynet's uv is if it comes along; it need not exist.
        layer: A new folder, to which everything is moved that belongs in the image, below its
            absolute path. None leaves it in its place.
    """
    os.umask(0o022)
    prefix.mkdir(parents=True)
    # What this program leaves in the file system would become part of the layer: use one
    # temporary folder, and remove it. It is on the file system of the packages, so that an
    # installer can link files instead of copying them.
    scratch = Path(tempfile.mkdtemp(prefix=".keynet-", dir=str(prefix)))
    try:
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
        status = install(stage, prefix, uv, scratch)
    finally:
        shutil.rmtree(str(scratch), ignore_errors=True)
    if status == 0:
        link = made_environment.show_to_base(prefix)
        if layer is not None:
            made_environment.move([prefix, *link], layer)
    return status


def install(stage: "Path", prefix: "Path", uv: "Path", scratch: "Path") -> int:
    """Create the environment and run uv or pip; return its exit status."""
    environment = child_environment(stage, prefix, read_json(stage / "proxies.json"))
    made = made_environment.make(prefix, environment)
    wanted = read_json(stage / "installer.json")
    requirements = gather(stage, scratch / "requirements")
    configured = pip_options.configured(environment, Path(sys.prefix))
    options = pip_options.read(requirements / "requirements.txt", configured)
    reasons = list(wanted["pip_because"]) + options.only_pip
    if wanted["installer"] != "pip" and not reasons:
        unfit = uv_installer.unfit(uv, environment)
        if not unfit:
            own = uv_installer.pinned(requirements)
            announce("uv", [*options.indexes(), *dict.fromkeys(own.values())], [])
            status = uv_installer.install(uv, made, options, environment, scratch)
            return finished(made, stage, status)
        reasons.append(unfit)
    if (stage / uv_installer.PINNED).exists():
        # pip would take them from another index, where they may be somebody else's.
        sys.stderr.write(
            "keynet: uv cannot install here: {}. Some packages come from an index of their own, "
            "which pip cannot do: write a lock file, for example with uv lock.\n".format(
                "; ".join(reasons)
            )
        )
        return 1
    if wanted["installer"] == "uv":
        sys.stderr.write(
            "keynet: uv cannot install here: {}. Set installer to auto or pip.\n".format(
                "; ".join(reasons)
            )
        )
        return 1
    announce("pip", options.indexes(), reasons or ["as the setting installer says"])
    status = pip_installer.install(made, stage, options, environment)
    return finished(made, stage, status)


def announce(name: str, indexes: "list[str]", reasons: "list[str]") -> None:
    """Name the installer, Python and indexes; keynet reads this line to explain a failure."""
    version = ".".join(map(str, sys.version_info[:3]))
    asked = ", ".join(shown_errors.shown(index) for index in indexes) or "no index"
    why = f" ({'; '.join(reasons)})" if reasons else ""
    sys.stderr.write(f"keynet: {name} installs for Python {version} from {asked}{why}\n")


def finished(made: "made_environment.Made", stage: "Path", status: int) -> int:
    """Add the context's import paths, after they can no longer change what is installed."""
    made_environment.add_import_paths(
        made.packages / "_keynet_workspace.pth", read_json(stage / "paths.json")
    )
    return status


def gather(stage: "Path", folder: "Path") -> "Path":
    """Link the dependencies' own files to a new folder, where no tool finds settings of others."""
    folder.mkdir()
    for path in sorted(stage.iterdir()):
        if path.name not in _OWN:
            (folder / path.name).symlink_to(path)
    return folder


def read_json(file: "Path") -> "Any":
    """Return the content of a JSON file written by keynet."""
    return json.loads(file.read_text(encoding="utf-8"))


def child_environment(stage: "Path", prefix: "Path", host: "dict[str, str]") -> "dict[str, str]":
    """Return the base's variables, with the host's network settings added."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in _MISLEADING and not key.startswith("UV_")
    }
    environment.update(host)
    path = environment.get("PATH") or os.defpath
    environment["PATH"] = str(prefix / "bin") + os.pathsep + path
    configuration = stage / "pip.conf"
    if configuration.exists():
        environment["PIP_CONFIG_FILE"] = str(configuration)
    logins = stage / "netrc"
    if logins.exists():
        environment["NETRC"] = str(logins)
    bundle = stage / "ca.pem"
    if bundle.exists():
        environment.update(dict.fromkeys(_CA, str(bundle)))
    return environment
