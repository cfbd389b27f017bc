"""Programs are started while threads of ours are alive; see docs/decisions."""

import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from keynet.process import shell
from keynet.process.shell import Command


@contextmanager
def busy() -> Iterator[None]:
    """Keep a thread alive that takes and releases locks all the time, as a monitor may."""
    over, lock = threading.Event(), threading.Lock()

    def work() -> None:
        while not over.is_set():
            with lock:
                over.wait(0.001)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
def test_threads_start_programs_at_once_while_another_thread_is_alive() -> None:
    def start(number: int) -> list[str]:
        return [
            shell.run(Command(("/bin/sh", "-c", f"echo {number} {turn}"))).stdout
            for turn in range(15)
        ]

    with busy(), warnings.catch_warnings(), ThreadPoolExecutor(4) as threads:
        # Python 3.12 and newer warn of each fork in a process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = list(threads.map(start, range(4)))
    assert found == [[f"{number} {turn}" for turn in range(15)] for number in range(4)]
