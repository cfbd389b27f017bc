"""The monitor: calls back with the first result and with changes, and leaves nothing behind."""

import asyncio
import gc
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from keynet.errors import EngineUnavailable, Interrupted, InvalidRunSettings
from keynet.process import shell
from keynet.runtime.abilities import EngineVersion, SystemFacts
from keynet.runtime.workspace.health import Health, check_health
from keynet.runtime.workspace.monitor import HealthMonitor
from tests.tables import table

FAST = 0.01
UP, DOWN = "", "its daemon is not running"


@dataclass
class Engine:
    """An engine of a program's own, whose answers come in order; the last one stays."""

    answers: list[str] = field(default_factory=lambda: [UP])
    checks: int = 0
    asked: threading.Event = field(default_factory=threading.Event)
    name: str = "own"

    def ping(self, timeout_s: float = 5.0) -> float:
        assert timeout_s > 0
        self.checks += 1
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if len(self.answers) == 1:
            self.asked.set()
        if said:
            raise EngineUnavailable(said, "Start it.")
        return 0.001

    def version(self) -> EngineVersion:
        return EngineVersion("1", "1")

    def system(self) -> SystemFacts:
        return SystemFacts("own", "1")


class Hanging(Engine):
    """One whose program never answers."""

    def ping(self, timeout_s: float = 5.0) -> float:
        # Asked when the program runs: before that there is nothing to interrupt.
        shell.run(
            shell.Command(("/bin/sh", "-c", "echo; exec sleep 600")),
            on_stdout=lambda _: self.asked.set(),
        )
        return timeout_s


class Broken(Engine):
    def ping(self, timeout_s: float = 5.0) -> float:
        self.asked.set()
        raise ZeroDivisionError(timeout_s)


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [each for each in threading.enumerate() if each not in before]
    assert [each for each in left if each.name.startswith("keynet")] == []


@pytest.mark.medium
def test_the_first_result_and_then_changes_only() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    engine = Engine([UP, UP, DOWN, DOWN, UP, UP, UP])
    with HealthMonitor(engine, FAST, seen.put) as monitor:
        assert monitor.running
        states = [seen.get(timeout=120) for _ in range(3)]
        assert engine.asked.wait(120)
    assert [each.healthy for each in states] == [True, False, True]
    assert (states[1].reason, states[1].hint) == (DOWN, "Start it.")
    assert states[0].latency_s > 0
    assert seen.empty()
    assert not monitor.running


def test_a_first_result_that_is_bad_is_called_back_too() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    with HealthMonitor(Engine([DOWN]), 30, seen.put):
        assert not seen.get(timeout=120).healthy


def test_another_reason_is_a_change_and_another_number_in_it_is_not() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    engine = Engine(["pid 17 hangs", "pid 18 hangs", "permission denied", UP])
    with HealthMonitor(engine, FAST, seen.put):
        found = [seen.get(timeout=120) for _ in range(3)]
    assert [each.reason for each in found] == ["pid 17 hangs", "permission denied", ""]


def test_the_last_result_can_be_asked_for() -> None:
    monitor = HealthMonitor(Engine([DOWN]))
    assert monitor.health is None
    called = threading.Event()
    engine = Engine()
    with HealthMonitor(engine, on_change=lambda _health: called.set()) as monitor:
        assert called.wait(120)
        assert monitor.health is not None
    assert monitor.health is not None
    assert monitor.health.healthy


def test_a_monitor_starts_once_and_again_after_its_end() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    monitor = HealthMonitor(Engine(), 30, seen.put)
    for _ in range(2):
        monitor.start()
        monitor.start()
        assert seen.get(timeout=120).healthy
        monitor.stop()
        monitor.stop()
    assert seen.empty()


def test_stop_does_not_wait_for_the_interval() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    monitor = HealthMonitor(Engine(), 3600, seen.put)
    monitor.start()
    seen.get(timeout=120)
    started = time.monotonic()
    monitor.stop()
    assert time.monotonic() - started < 120


@pytest.mark.medium
def test_stop_ends_a_check_that_hangs_with_its_program() -> None:
    engine = Hanging()
    monitor = HealthMonitor(engine)
    monitor.start()
    assert engine.asked.wait(120)
    started = time.monotonic()
    monitor.stop()
    assert time.monotonic() - started < 120
    assert monitor.health is None


def test_on_change_may_stop_the_monitor() -> None:
    ended = threading.Event()
    monitors: list[HealthMonitor] = []

    def stop(_health: Health) -> None:
        assert ready.wait(120)
        monitors[0].stop()
        ended.set()

    ready = threading.Event()
    monitors.append(HealthMonitor(Engine(), FAST, stop))
    monitors[0].start()
    ready.set()
    assert ended.wait(120)
    assert not monitors[0].running
    _wait_until(lambda: not [t for t in threading.enumerate() if t.name == "keynet-health"])


def test_an_error_of_on_change_is_logged_and_the_watch_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: queue.Queue[Health] = queue.Queue()

    def fail(health: Health) -> None:
        seen.put(health)
        raise ZeroDivisionError

    with HealthMonitor(Engine([UP, DOWN]), FAST, fail):
        assert [seen.get(timeout=120).healthy for _ in range(2)] == [True, False]
    assert "on_change failed" in caplog.text


def test_an_error_of_somebodys_own_engine_is_a_bad_health(
    caplog: pytest.LogCaptureFixture,
) -> None:
    health = check_health(Broken())
    assert not health.healthy
    assert "ZeroDivisionError" in health.reason
    assert "ping failed" in caplog.text


def test_an_interrupt_is_not_a_bad_health() -> None:
    class Stopped(Engine):
        def ping(self, timeout_s: float = 5.0) -> float:
            raise Interrupted

    with pytest.raises(Interrupted):
        check_health(Stopped())


@pytest.mark.slow
def test_a_monitor_that_nobody_holds_ends() -> None:
    seen: queue.Queue[Health] = queue.Queue()
    monitor = HealthMonitor(Engine(), FAST, seen.put)
    monitor.start()
    seen.get(timeout=120)
    del monitor
    gc.collect()
    _wait_until(lambda: not [t for t in threading.enumerate() if t.name == "keynet-health"])


@table("seconds", [0, -1, float("nan"), float("inf"), 10**9])
def test_an_impossible_interval_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidRunSettings, match="interval_s"):
        HealthMonitor(Engine(), seconds)
    with pytest.raises(InvalidRunSettings, match="timeout_s"):
        HealthMonitor(Engine(), timeout_s=seconds)


@pytest.mark.slow
def test_a_program_that_forgets_to_stop_ends_all_the_same() -> None:
    program = (
        "import threading, time\n"
        "from keynet.process import shell\n"
        "from keynet.runtime.workspace.monitor import HealthMonitor\n"
        "class Own:\n"
        "    name = 'own'\n"
        "    def ping(self, timeout_s=5):\n"
        "        print('asked', flush=True)\n"
        "        command = shell.Command(('/bin/sh', '-c', 'echo; exec sleep 600'))\n"
        "        shell.run(command, on_stdout=lambda _: running.set())\n"
        "running = threading.Event()\n"
        "monitor = HealthMonitor(Own())\n"
        "monitor.start()\n"
        "running.wait(120)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "asked\n", "")


@pytest.mark.medium
def test_ctrl_c_while_another_program_runs_does_not_end_the_watch() -> None:
    engine = Hanging()
    seen: queue.Queue[Health] = queue.Queue()
    with HealthMonitor(engine, FAST, seen.put) as monitor:
        assert engine.asked.wait(120)
        engine.asked.clear()
        kill = f"import os, time; os.kill({_own_id()}, {int(signal.SIGINT)}); time.sleep(600)"
        with pytest.raises(Interrupted):
            shell.run(shell.Command((sys.executable, "-c", kill)))
        # The check was interrupted, too, and is made again.
        assert engine.asked.wait(120)
        assert monitor.running
    assert seen.empty()


@pytest.mark.medium
def test_async_calls_back_in_the_event_loop_one_after_the_other() -> None:
    seen: list[tuple[bool, int]] = []

    async def on_change(health: Health) -> None:
        await asyncio.sleep(0)
        seen.append((health.healthy, threading.get_ident()))

    async def watch() -> None:
        engine = Engine([UP, UP, DOWN, UP])
        async with HealthMonitor(engine, FAST, on_change):
            while len(seen) < 3:
                await asyncio.sleep(FAST)

    asyncio.run(asyncio.wait_for(watch(), 120))
    here = threading.get_ident()
    assert seen == [(True, here), (False, here), (True, here)]


def test_async_changes_can_be_iterated() -> None:
    async def watch() -> list[bool]:
        found = []
        async with HealthMonitor(Engine([DOWN, DOWN, UP]), FAST) as monitor:
            async for health in monitor.changes():
                found.append(health.healthy)
                if len(found) == 2:
                    break
        return found

    assert asyncio.run(asyncio.wait_for(watch(), 120)) == [False, True]


def test_async_changes_end_with_the_block() -> None:
    async def watch() -> list[bool]:
        found: list[bool] = []
        first = asyncio.Event()

        async def follow(monitor: HealthMonitor) -> None:
            async for health in monitor.changes():
                found.append(health.healthy)
                first.set()

        async with HealthMonitor(Engine(), 30) as monitor:
            task = asyncio.create_task(follow(monitor))
            await first.wait()
        await task
        return found

    assert asyncio.run(asyncio.wait_for(watch(), 120)) == [True]


@pytest.mark.medium
def test_async_stop_does_not_block_the_loop_while_a_check_hangs() -> None:
    async def watch() -> int:
        engine = Hanging()
        turns = 0
        ended = asyncio.Event()

        async def count() -> None:
            nonlocal turns
            while not ended.is_set():
                turns += 1
                await asyncio.sleep(0.001)

        counting = asyncio.create_task(count())
        async with HealthMonitor(engine):
            while not engine.asked.is_set():
                await asyncio.sleep(FAST)
            before = turns
        after = turns
        ended.set()
        await counting
        return after - before

    assert asyncio.run(asyncio.wait_for(watch(), 120)) > 0


def test_async_cancelled_in_the_block_leaves_nothing() -> None:
    async def watch() -> None:
        engine = Engine()
        async with HealthMonitor(engine, FAST):
            await asyncio.sleep(600)

    async def cancel() -> None:
        task = asyncio.create_task(watch())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_an_error_of_an_async_on_change_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_health: Health) -> None:
        raise ZeroDivisionError

    async def watch() -> None:
        engine = Engine([UP, DOWN])
        async with HealthMonitor(engine, FAST, fail):
            while not engine.asked.is_set():
                await asyncio.sleep(FAST)

    asyncio.run(asyncio.wait_for(watch(), 120))
    assert "on_change failed" in caplog.text


def test_a_coroutine_function_needs_an_event_loop() -> None:
    async def on_change(_health: Health) -> None: ...

    class Called:
        async def __call__(self, _health: Health) -> None: ...

    for each in (on_change, Called(), partial(on_change)):
        with pytest.raises(TypeError, match="async with"):
            HealthMonitor(Engine(), on_change=each).start()
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(anext(HealthMonitor(Engine()).changes()))  # type: ignore[arg-type]


def _wait_until(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not fact():
        assert time.monotonic() < until
        time.sleep(FAST)


def _own_id() -> int:
    import os

    return os.getpid()
