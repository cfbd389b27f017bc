"""Watch the health of an engine in the background, for synchronous and asynchronous programs."""

import asyncio
import inspect
import logging
import math
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

from keynet.errors import Interrupted, InvalidRunSettings
from keynet.process.signals import Group
from keynet.runtime.abilities import PING_TIMEOUT_S, Monitored
from keynet.runtime.workspace.health import Health, check_health
from keynet.text import _, fill

__all__ = ["HealthMonitor", "OnChange"]

OnChange = Callable[[Health], Awaitable[None] | None]

_logger: Final = logging.getLogger("keynet.runtime")
# A program that does not end on SIGINT is killed after it.
_PATIENCE_S: Final = 1.0
_PAUSES: Final = 100
_SHORTEST_S: Final = 0.01
_LONGEST_S: Final = 86_400.0


class HealthMonitor:
    """Check an engine every ``interval_s`` seconds, and call back when its health changes.

        with HealthMonitor(engine, on_change=print):
            train()

        async with HealthMonitor(engine) as monitor:
            async for health in monitor.changes():
                print(health)

    ``on_change`` gets the first result, then each change. In ``with`` it is called in the
    monitor's thread; in ``async with`` in the event loop, one call after the other, and may be a
    coroutine function. An error of it is logged to ``keynet.runtime``, and the watch goes on. An
    engine that stops and starts again is two changes. A monitor can be started again.
    """

    def __init__(
        self,
        engine: Monitored,
        interval_s: float = 30.0,
        on_change: OnChange | None = None,
        *,
        timeout_s: float = PING_TIMEOUT_S,
    ) -> None:
        for name, value in (("interval_s", interval_s), ("timeout_s", timeout_s)):
            if not (math.isfinite(value) and _SHORTEST_S <= value <= _LONGEST_S):
                raise InvalidRunSettings(
                    fill(_("{name}: {value} is not a number of seconds."), name=name, value=value),
                    _("Use a number from 0.01 to 86400."),
                )
        self._engine = engine
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._on_change = on_change
        self._watch: _Watch | None = None
        self._last: Health | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: set[asyncio.Queue[Health | None]] = set()
        self._delivery: asyncio.Task[None] | None = None
        self._finalizer: weakref.finalize[..., HealthMonitor] | None = None

    @property
    def health(self) -> Health | None:
        """Return the result of the last check; None before the first one has ended."""
        return self._watch.health if self._watch is not None else self._last

    @property
    def running(self) -> bool:
        """Report whether the monitor is started."""
        return self._watch is not None

    def start(self) -> None:
        """Start checking; a monitor that runs is left alone.

        Raises:
            TypeError: ``on_change`` is a coroutine function, which needs ``async with``.
        """
        if _is_coroutine_function(self._on_change):
            raise TypeError("on_change is a coroutine function: use 'async with HealthMonitor'")
        self._start(self._on_change or _ignore)

    def stop(self) -> None:
        """Stop at once: the thread and a check that runs have ended when this returns.

        From within ``on_change`` it returns at once, and no further call comes.
        """
        watch, self._watch = self._watch, None
        if watch is not None:
            if self._finalizer is not None:
                self._finalizer.detach()
            watch.stop()
            self._last = watch.health

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        if self._watch is not None:
            return self
        loop = self._loop = asyncio.get_running_loop()
        own: asyncio.Queue[Health | None] = asyncio.Queue()
        self._queues.add(own)
        self._delivery = loop.create_task(self._deliver(own))
        queues = self._queues

        def hand_over(health: Health) -> None:
            def put() -> None:
                for queue in queues:
                    queue.put_nowait(health)

            # The loop may have been closed without the end of the block.
            if not loop.is_closed():
                loop.call_soon_threadsafe(put)

        self._start(hand_over)
        return self

    async def __aexit__(self, *_: object) -> None:
        watch = self._watch
        try:
            if watch is not None:
                # A check that hangs is interrupted, which takes a moment.
                await watch.end()
        finally:
            self.stop()
            for queue in self._queues:
                queue.put_nowait(None)
            delivery, self._delivery = self._delivery, None
            if delivery is not None and delivery is not asyncio.current_task():
                await delivery
            self._queues.clear()

    async def changes(self) -> AsyncIterator[Health]:
        """Yield the last result, then each change, until the block of the monitor ends.

        Raises:
            RuntimeError: Outside ``async with``.
        """
        if self._delivery is None:
            raise RuntimeError("changes() needs 'async with HealthMonitor(...)'")
        queue: asyncio.Queue[Health | None] = asyncio.Queue()
        known = self.health
        if known is not None:
            queue.put_nowait(known)
        self._queues.add(queue)
        last: Health | None = None
        try:
            while (health := await queue.get()) is not None:
                if health.differs(last):
                    last = health
                    yield health
        finally:
            self._queues.discard(queue)

    def _start(self, deliver: Callable[[Health], Any]) -> None:
        if self._watch is None:
            self._watch = _Watch(self._engine, self._interval_s, self._timeout_s, deliver)
            # A monitor that nobody holds any more ends, and all do when the program does.
            self._finalizer = weakref.finalize(self, self._watch.stop)

    async def _deliver(self, queue: "asyncio.Queue[Health | None]") -> None:
        while (health := await queue.get()) is not None:
            try:
                returned = self._on_change(health) if self._on_change is not None else None
                if returned is not None:
                    await returned
            except Exception:
                _logger.exception("on_change failed")


class _Watch:
    """One thread that checks; it knows the monitor by what it delivers to only."""

    def __init__(
        self,
        engine: Monitored,
        interval_s: float,
        timeout_s: float,
        deliver: Callable[[Health], Any],
    ) -> None:
        self.health: Health | None = None
        self._engine = engine
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._deliver = deliver
        self._stopped = threading.Event()
        self._group = Group()
        self._thread = threading.Thread(
            target=self._group.context().run, args=(self._run,), name="keynet-health", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the program that it runs, and wait for that."""
        self._stopped.set()
        if self._thread is threading.current_thread():
            return
        while self._thread.is_alive():
            self._group.interrupt()
            self._thread.join(_PATIENCE_S)

    async def end(self) -> None:
        """Do as ``stop``, without blocking the event loop."""
        self._stopped.set()
        pauses = 0
        while self._thread.is_alive():
            if pauses % _PAUSES == 0:
                self._group.interrupt()
            pauses += 1
            await asyncio.sleep(_PATIENCE_S / _PAUSES)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                health = check_health(self._engine, self._timeout_s)
            except Interrupted:
                # Ctrl-C goes to every program that runs; only ``stop`` ends the watch.
                continue
            changed = health.differs(self.health)
            self.health = health
            if changed and not self._stopped.is_set():
                try:
                    self._deliver(health)
                except Exception:
                    _logger.exception("on_change failed")
            self._stopped.wait(self._interval_s)


def _is_coroutine_function(function: object) -> bool:
    # An object that is called has it in its class; of a function it is not one.
    called = vars(type(function)).get("__call__")
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def _ignore(health: Health) -> None:
    del health
