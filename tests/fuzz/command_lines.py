"""Start the program with command lines that nobody would type, and look for what must not be.

``tox -e fuzz-commands -- --number 900 --seed 1`` prints each one that ended in a traceback, in
status 70 or by a signal, or that hung. No engine is on PATH, every address is on loopback, and all
that is written goes to a folder of its own.
"""

import argparse
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from keynet.cli.main import BUG, cli

_SECONDS: Final = 40
_CLOSED: Final = "127.0.0.1:9"
# A sandbox runs until it is interrupted.
_LEFT_OUT: Final = ("sandbox",)
_FILES: Final = ("train.py", "empty", "folder", "fifo", "loop", "broken", "bytes", "empty.tar")
_VALUES: Final = (
    *_FILES,
    *("", "-", "--", ".", "..", "/", "/dev/null", "/dev/zero", "/dev/full", "/proc/1/root", "~"),
    *(
        "a b",
        "한글",
        "\udcff",
        "\n",
        "a\nb",
        "\x1b[31m",
        "'\"$`",
        "%s%n",
        "{0}",
        "../../etc/passwd",
    ),
    *("0", "-1", "1e9", "9" * 20, "true", "null", "=", "a=b", "id=x,src=train.py", "a" * 5000),
    *("http://", "http://[::1", "ftp://x", f"http://{_CLOSED}", f"https://{_CLOSED}/x:1"),
    *(f"http://u:p@{_CLOSED}/", f"{_CLOSED}/a/b:c", f"{_CLOSED}/a@sha256:{'0' * 64}", "UPPER/x"),
    *(
        "linux/amd64",
        "oci:out",
        "oci-archive:out.tar",
        "docker-archive:",
        "http://127.0.0.1:99999/x",
    ),
)
_VARIABLES: Final = (
    *("KEYNET_CONFIG", "KEYNET_SERVER_URL", "KEYNET_API_TOKEN", "KEYNET_HARBOR_URL"),
    *("KEYNET_HARBOR_USERNAME", "KEYNET_HARBOR_PASSWORD", "KEYNET_PROJECT_ID", "KEYNET_BUILDER"),
    *("KEYNET_CA_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE"),
    *("DOCKER_CONFIG", "DOCKER_HOST", "CONTAINER_HOST", "REGISTRY_AUTH_FILE", "NETRC"),
    *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "HOME", "TMPDIR"),
    *("COLUMNS", "TERM", "LANG", "PYTHONIOENCODING"),
)


def main() -> int:
    """Return 1 when something was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--number", type=int, default=300, help="command lines [300]")
    parser.add_argument("--seed", type=int, default=1, help="of the choices [1]")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    commands = list(_commands(cli, ()))
    found = 0
    with tempfile.TemporaryDirectory(prefix="keynet-fuzz-") as name:
        folder = Path(name)
        _lay_out(folder)
        for _turn in range(options.number):
            path, command = chance.choice(commands)
            arguments = [*path, *_arguments(command, chance)]
            variables = {each: chance.choice(_VALUES) for each in _some(_VARIABLES, chance)}
            if wrong := _run(arguments, variables, folder):
                found += 1
                print(f"{wrong}: {arguments!a} {variables!a}", flush=True)
    print(f"{options.number} command lines, {found} found")
    return 1 if found else 0


def _commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        member = command.get_command(context, name)
        if member is not None and name not in _LEFT_OUT:
            yield from _commands(member, (*path, name))


def _arguments(command: click.Command, chance: random.Random) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            likely = ("train.py", f"{_CLOSED}/x:1", f"http://{_CLOSED}")
            yield chance.choice(likely if chance.random() < 0.4 else _VALUES)
        elif isinstance(parameter, click.Option) and chance.random() < 0.25:
            yield chance.choice(parameter.opts)
            if not parameter.is_flag:
                yield chance.choice(_VALUES)


def _some(names: tuple[str, ...], chance: random.Random) -> list[str]:
    return chance.sample(names, chance.choice((0, 0, 1, 2, 3)))


def _lay_out(folder: Path) -> None:
    (folder / "train.py").write_text("import argparse\nargparse.ArgumentParser().parse_args()\n")
    (folder / "empty").touch()
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    (folder / "broken").symlink_to("nowhere")
    (folder / "bytes").write_bytes(bytes(range(256)) * 10)
    tarfile.open(folder / "empty.tar", "w").close()


def _run(arguments: list[str], variables: Mapping[str, str], folder: Path) -> str:
    """Return what is wrong with the end of the program, "" for nothing."""
    environment = {
        **{"PATH": "/nonexistent", "HOME": str(folder / "home"), "LANG": "C.UTF-8"},
        "PYTHONPATH": os.pathsep.join(sys.path),
        **variables,
        # Whatever is taken for a host: nothing leaves this machine.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), f"http://{_CLOSED}"),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "keynet", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode in {BUG} or done.returncode < 0 or b"Traceback" in done.stderr:
        return f"status {done.returncode}, {done.stderr[-300:]!r}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
