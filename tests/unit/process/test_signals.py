"""What concerns a running program, and what comes too late."""

import os
from pathlib import Path

from keynet.process import signals


def test_an_end_that_comes_too_late_is_written_nowhere(tmp_path: Path) -> None:
    """The descriptor of the closed pipe may be another file's."""
    with signals.inbox() as opened:
        opened.end()
        assert os.read(opened.wake.fd, 10) == bytes([signals.ENDED])
    number = opened.wake.fd
    files = [os.open(tmp_path / f"file-{index}", os.O_CREAT | os.O_RDWR) for index in range(8)]
    try:
        assert number in files
        opened.end()
        assert all(not (tmp_path / f"file-{index}").read_bytes() for index in range(8))
    finally:
        for file in files:
            os.close(file)
