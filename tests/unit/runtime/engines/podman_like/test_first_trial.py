"""The first trials of keynet's own store, by two engines that are examined side by side."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import keynet

# Works with no store, and leaves much in keynet's own.
PROGRAM = """#!/bin/sh
case "$*" in *version*) echo "{name} version 4.3.1"; exit;; esac
root=
while [ $# -gt 0 ]; do [ "$1" = --root ] && root=$2; shift; done
[ -z "$root" ] || for number in $(seq {many}); do mkdir -p "$root/$$-$number"; sleep 0.01; done
echo "no user namespaces" >&2
exit 125
"""
TRIALS = """
from concurrent.futures import ThreadPoolExecutor
from keynet.runtime.engines.podman_like import own_store, podman_like_trial
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.podman import PODMAN
for _round in range(6):
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(podman_like_trial.probe, (PODMAN, BUILDAH)))
    assert own_store.find() is None
    print(*(type(one).__name__ for one in found))
"""


@pytest.mark.slow
def test_the_engine_that_fails_takes_no_store_from_the_other() -> None:
    user = 65_534 if os.geteuid() == 0 else None
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for engine, many in (("podman", 10), ("buildah", 30)):
            program = folder / engine
            program.write_text(PROGRAM.format(name=engine, many=many))
            program.chmod(0o755)
        home = folder / "home"
        home.mkdir()
        if user is not None:
            folder.chmod(0o755)
            os.chown(home, user, -1)
        source = str(Path(keynet.__file__).parents[1])
        tried = subprocess.run(
            [sys.executable, "-B", "-c", TRIALS],
            env={"HOME": str(home), "PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": source},
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (tried.stdout, tried.stderr) == ("Unusable Unusable\n" * 6, "")
