"""Work in the background: its result, its errors, and how an error of the block ends it."""

import contextvars
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from keynet.errors import EngineError, Interrupted
from keynet.process import shell
from keynet.process.background import background
from keynet.process.shell import Command
from keynet.process.supervisor import PATIENCE_S
from tests.unit.process.waiting import until

LONG = Command(("sleep", "600"))


def _fail_after(event: Callable[[], object], error: BaseException) -> NoReturn:
    event()
    raise error


def _sleep(inside: threading.Event) -> NoReturn:
    inside.set()
    # In small steps: a signal that comes just before a wait is seen after it.
    while True:
        time.sleep(0.1)


def test_the_work_is_done_while_the_block_goes_on() -> None:
    here, there = threading.Event(), threading.Event()

    def work() -> str:
        here.set()
        assert there.wait(120)
        return "done"

    with background(work) as task:
        assert here.wait(120)
        there.set()
        assert task.result() == "done"


@pytest.mark.slow
def test_the_end_of_the_block_waits_and_leaves_no_thread() -> None:
    done: list[int] = []

    def work() -> None:
        time.sleep(0.2)
        done.append(1)

    before = threading.active_count()
    with background(work):
        pass
    assert done == [1]
    assert threading.active_count() == before


def test_an_error_of_the_work_is_raised_after_the_block() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ImportError("broken")

    with pytest.raises(ImportError, match="broken"), background(fail):
        done.append(1)
    assert done == [1]


def test_an_error_that_was_seen_in_the_block_is_not_raised_again() -> None:
    def fail() -> None:
        raise EngineError("no answer")

    with background(fail) as task, pytest.raises(EngineError, match="no answer"):
        task.result()


@pytest.mark.medium
def test_an_error_of_the_block_is_not_replaced() -> None:
    def fail() -> None:
        raise ImportError("broken")

    with pytest.raises(EngineError, match="of the block"), background(fail):
        _fail_after(lambda: time.sleep(0.1), EngineError("of the block"))


def test_the_work_has_the_context_of_its_caller() -> None:
    variable = contextvars.ContextVar("variable", default="")
    variable.set("caller's")
    seen: list[str] = []
    with shell.observed(seen.append), background(variable.get) as task:
        with background(lambda: shell.run(Command(("true", "inner")))):
            pass
        assert task.result() == "caller's"
    assert seen == ["true inner"]


@pytest.mark.medium
@pytest.mark.parametrize("error", [EngineError("failed"), KeyboardInterrupt()])
def test_an_error_of_the_block_interrupts_the_program_of_the_work(error: BaseException) -> None:
    running = threading.Event()
    ended: list[BaseException] = []

    def work() -> None:
        try:
            shell.run(
                Command(("sh", "-c", "echo; exec sleep 600")), on_stdout=lambda _: running.set()
            )
        except Interrupted as interrupted:
            ended.append(interrupted)
            assert shell.run(Command(("echo", "tidied"))).stdout == "tidied"
            raise

    with pytest.raises(type(error)), background(work):
        _fail_after(lambda: running.wait(120), error)
    # The program would not end by itself, and was not killed after all patience.
    assert len(ended) == 1


@pytest.mark.slow
def test_an_error_of_the_block_interrupts_the_next_program_where_none_runs() -> None:
    failed = threading.Event()
    ended: list[str] = []

    def work() -> None:
        assert failed.wait(120)
        time.sleep(0.2)
        # One level further down, as an engine's own look-up.
        with pytest.raises(Interrupted), background(lambda: shell.run(LONG)):
            pass
        ended.append(shell.run(Command(("echo", "tidied"))).stdout)

    with pytest.raises(EngineError), background(work):
        _fail_after(failed.set, EngineError("failed"))
    assert ended == ["tidied"]


@pytest.mark.slow
def test_a_program_that_is_not_of_the_work_is_not_interrupted() -> None:
    with shell.start(Command(("sh", "-c", "sleep 0.5; echo end"))) as mine:
        with pytest.raises(EngineError), background(lambda: shell.run(LONG)):
            _fail_after(lambda: time.sleep(0.1), EngineError("failed"))
        assert mine.finish().stdout == "end"


@pytest.mark.slow
def test_ctrl_c_in_the_block_ends_the_work_and_a_second_one_kills(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    script = f"trap 'echo again >> {deaf}' INT; touch {deaf}; while :; do sleep 0.1; done"
    inside, again = threading.Event(), threading.Event()

    def press() -> None:
        assert inside.wait(120)
        until(deaf.exists)
        os.kill(os.getpid(), signal.SIGINT)
        until(lambda: "again" in deaf.read_text())
        again.set()
        time.sleep(0.3)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    pressed: list[float] = []
    pressing = threading.Thread(target=press)
    pressing.start()
    with (
        pytest.raises(KeyboardInterrupt),
        background(lambda: shell.run(Command(("sh", "-c", script)))),
    ):
        _sleep(inside)
    pressing.join()
    assert again.is_set()
    # After the first one alone it would have been killed when all patience is at its end.
    assert time.monotonic() - pressed[0] < PATIENCE_S
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_one_signal_is_one_interrupt_for_the_work(tmp_path: Path) -> None:
    """What the work does after its program was interrupted is not interrupted as well."""
    tidied = tmp_path / "tidied"
    ready = tmp_path / "ready"

    def work() -> None:
        try:
            shell.run(Command(("sh", "-c", f"touch {ready}; exec sleep 600")))
        finally:
            shell.run(Command(("sh", "-c", f"sleep 1; touch {tidied}")))

    def press(_: str) -> None:
        until(ready.exists)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted), background(work):
        shell.run(Command(("sh", "-c", "echo; exec sleep 600")), on_stdout=press)
    assert tidied.exists()
