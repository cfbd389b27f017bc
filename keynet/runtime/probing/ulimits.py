"""This host's process limits, for runtimes that want to raise them and may not."""

import resource

__all__ = ["lower_limits"]

_MOST_FILES = 20_000
_MOST_PROCESSES = 4096


def lower_limits() -> tuple[str, ...]:
    """Give ``--ulimit`` values that this process is allowed to set: its own hard limits."""
    files = _capped(resource.getrlimit(resource.RLIMIT_NOFILE)[1], _MOST_FILES)
    processes = _capped(resource.getrlimit(resource.RLIMIT_NPROC)[1], _MOST_PROCESSES)
    return (f"nofile={files}:{files}", f"nproc={processes}:{processes}")


def _capped(hard: int, most: int) -> int:
    return most if hard == resource.RLIM_INFINITY else min(hard, most)
