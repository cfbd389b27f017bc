"""Several programs at a time: threads, event loops, and signals that reach all of them."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keynet.errors import Interrupted
from keynet.process import shell
from keynet.process.shell import Command
from keynet.secret import Secret
from tests.unit.process.waiting import alive, gone, until

ROOT = Path(__file__).parents[3]


def _sh(script: str) -> Command:
    return Command(("/bin/sh", "-c", script))


@pytest.mark.slow
def test_threads_run_programs_while_another_one_isalive() -> None:
    def fifteen(thread: int) -> list[str]:
        return [shell.run(_sh(f"echo {thread}.{each}; echo e >&2")).stdout for each in range(15)]

    with shell.start(_sh("read x < /dev/null; sleep 600")), ThreadPoolExecutor(4) as threads:
        found = list(threads.map(fifteen, range(4)))
    assert found == [[f"{thread}.{each}" for each in range(15)] for thread in range(4)]


@pytest.mark.medium
def test_output_of_programs_that_run_at_the_same_time_does_not_mix() -> None:
    def lines(letter: str) -> tuple[list[str], list[str]]:
        seen: list[str] = []
        script = (
            f"i=0; while [ $i -lt 3000 ]; do echo {letter}$i; echo {letter} >&2; i=$((i+1)); done"
        )
        finished = shell.run(_sh(script), on_stdout=seen.append)
        assert finished.stdout.splitlines() == seen
        return seen, finished.stderr.splitlines()

    with ThreadPoolExecutor(4) as threads:
        for letter, (stdout, stderr) in zip("abcd", threads.map(lines, "abcd"), strict=True):
            assert stdout == [f"{letter}{each}" for each in range(3000)]
            assert stderr == [letter] * 3000


@pytest.mark.slow
def test_a_secret_goes_to_its_own_program() -> None:
    def typed(secret: str) -> str:
        # Reversed, since the secret itself is replaced.
        return shell.run(Command(("rev",), stdin=Secret(secret))).stdout

    secrets = [f"secret-{each}" for each in range(40)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(typed, secrets)) == [secret[::-1] for secret in secrets]


@pytest.mark.slow
def test_many_runs_leave_no_thread_process_or_descriptor() -> None:
    def facts() -> tuple[int, int, list[str]]:
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return threading.active_count(), descriptors, children.split()

    shell.run(_sh("true"))
    # sh's timers end a moment after what they were made for.
    until(lambda: not any(isinstance(each, threading.Timer) for each in threading.enumerate()))
    before = facts()
    with ThreadPoolExecutor(4) as threads:
        for finished in threads.map(shell.run, [_sh("echo x")] * 200):
            assert finished.stdout == "x"
    until(lambda: facts() == before)


@pytest.mark.medium
def test_the_warning_of_a_fork_beside_threads_is_not_shown() -> None:
    with warnings.catch_warnings(record=True) as seen, ThreadPoolExecutor(2) as threads:
        warnings.simplefilter("always")
        list(threads.map(shell.run, [_sh("true")] * 4))
        warnings.warn("of somebody else", DeprecationWarning, stacklevel=1)
    assert [str(each.message) for each in seen] == ["of somebody else"]


@pytest.mark.medium
def test_an_observer_is_taken_to_a_thread_by_the_context() -> None:
    seen: list[str] = []
    with shell.observed(seen.append):
        context = contextvars.copy_context()
        for target in (shell.run, lambda command: context.run(shell.run, command)):
            thread = threading.Thread(target=target, args=(Command(("true", "x")),))
            thread.start()
            thread.join()
    assert seen == ["true x"]


@pytest.mark.slow
def test_programs_run_from_an_event_loop() -> None:
    seen: list[str] = []

    async def cell() -> list[str]:
        ticks = asyncio.create_task(_ticks())
        side_by_side = await asyncio.gather(
            *(asyncio.to_thread(shell.run, _sh(f"sleep 0.3; echo {each}")) for each in range(3))
        )
        assert not ticks.done()
        ticks.cancel()
        # As a notebook's cell does that calls keynet without await.
        direct = shell.run(_sh("echo direct"))
        return [*(finished.stdout for finished in side_by_side), direct.stdout]

    async def _ticks() -> None:
        while True:
            await asyncio.sleep(0.01)

    before = signal.getsignal(signal.SIGINT)
    with shell.observed(seen.append):
        assert asyncio.run(cell()) == ["0", "1", "2", "direct"]
    assert len(seen) == 4
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.medium
def test_ctrl_c_at_a_direct_call_in_a_loop_interrupts_it_and_spares_the_loop() -> None:
    async def cell() -> str:
        with pytest.raises(Interrupted):
            shell.run(
                _sh("echo; sleep 600"), on_stdout=lambda _: os.kill(os.getpid(), signal.SIGINT)
            )
        return (await asyncio.to_thread(shell.run, _sh("echo next"))).stdout

    assert asyncio.run(cell()) == "next"


@pytest.mark.slow
def test_a_thread_leaves_the_handlers_of_the_host() -> None:
    """Ctrl-C while only another thread runs a program is the host's."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        with ThreadPoolExecutor(1) as threads:
            started = threading.Event()
            future = threads.submit(
                shell.run, _sh("echo; sleep 0.5; echo end"), on_stdout=lambda _: started.set()
            )
            assert started.wait(120)
            os.kill(os.getpid(), signal.SIGINT)
            assert future.result().stdout == "\nend"
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


THREE = """
import sys, threading
from pathlib import Path
from keynet.errors import Interrupted
from keynet.process import shell

folder = Path(sys.argv[1])

def work(number):
    # The child in a session of its own is not reached by the group's signal.
    command = shell.Command(("/bin/sh", "-c", "setsid sleep 600 & echo $! $$; wait"))
    try:
        shell.run(command, timeout_s=None, on_stdout=(folder / f"{number}.pids").write_text)
    except Interrupted:
        (folder / f"{number}.interrupted").touch()

threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
for thread in threads:
    thread.start()
work(0)
for thread in threads:
    thread.join()
assert threading.active_count() == 1
print("over")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_programs_of_all_threads(tmp_path: Path, number: signal.Signals) -> None:
    with _python(THREE, str(tmp_path)) as process:
        files = [tmp_path / f"{each}.pids" for each in range(3)]
        until(lambda: all(file.exists() and len(file.read_text().split()) == 2 for file in files))
        pids = [int(pid) for file in files for pid in file.read_text().split()]
        assert all(map(alive, pids))
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout, stderr) == (0, "over\n", "")
    assert all((tmp_path / f"{each}.interrupted").exists() for each in range(3))
    gone(pids)


COPY = """
import os, signal, sys, threading
from keynet.process import shell

shell.run(shell.Command(("true",)))
# As Ctrl-C at the terminal just after the fork, before the copy has a group of its own.
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGINT))
statuses = []
work = lambda: statuses.append(shell.run(shell.Command(("true",))).status)
thread = threading.Thread(target=work)
thread.start()
thread.join()
work()
print(*statuses)
"""


@pytest.mark.medium
def test_a_signal_before_the_exec_ends_the_copy_alone() -> None:
    with _python(COPY) as process:
        stdout, stderr = process.communicate(timeout=120)
    assert (stdout, stderr) == ("-2 -2\n", "")


IMPORT = """
import os, threading
from keynet.process import shell

forking, imported = threading.Event(), threading.Event()

def load():
    forking.wait(120)
    import concurrent.futures.thread
    imported.set()

def before():
    forking.set()
    imported.wait(120)

os.register_at_fork(before=before)
thread = threading.Thread(target=load)
thread.start()
print(shell.run(shell.Command(("echo", "x"))).stdout)
thread.join()
"""


@pytest.mark.medium
def test_a_thread_may_import_during_a_fork() -> None:
    with _python(IMPORT) as process:
        stdout, stderr = process.communicate(timeout=120)
    assert (stdout, stderr) == ("x\n", "")


@pytest.mark.medium
def test_a_program_starts_with_signals_as_they_were() -> None:
    status = shell.run(_sh("grep -E '^Sig(Blk|Ign)' /proc/self/status")).stdout
    masks = dict(line.split(":") for line in status.splitlines())
    assert int(masks["SigBlk"], 16) == 0
    for number in (signal.SIGINT, signal.SIGTERM):
        assert not int(masks["SigIgn"], 16) >> (number - 1) & 1


def _python(program: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
