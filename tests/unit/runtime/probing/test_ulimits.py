"""The limits that this process may set."""

from keynet.runtime.probing import ulimits


def test_limits_are_this_processs_own() -> None:
    files, processes = ulimits.lower_limits()
    assert files.startswith("nofile=")
    assert processes.startswith("nproc=")
