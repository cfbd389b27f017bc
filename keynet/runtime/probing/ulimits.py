"""This process's limits, for runtimes that are not allowed to raise them."""

import resource

__all__ = ["lower_limits"]

_MOST_FILES = 20_000
_MOST_PROCESSES = 4096


def lower_limits() -> tuple[str, ...]:
    """Return values for ``--ulimit`` within this process's own hard limits."""
    files = _capped(resource.getrlimit(resource.RLIMIT_NOFILE)[1], _MOST_FILES)
    processes = _capped(resource.getrlimit(resource.RLIMIT_NPROC)[1], _MOST_PROCESSES)
    return (f"nofile={files}:{files}", f"nproc={processes}:{processes}")


def _capped(hard: int, most: int) -> int:
    return most if hard == resource.RLIM_INFINITY else min(hard, most)
