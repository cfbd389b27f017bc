"""Run an event loop in its own thread, since callers may run one (notebooks)."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["EventLoop"]

_Result = TypeVar("_Result")


class EventLoop:
    """An event loop in a thread, for synchronous code; ``close`` stops the thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Else one that an interrupt leaves open would keep the process from ending.
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="keynet-loop", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine and return its result; after an interrupt, cancel it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                # Ctrl-C only reaches the caller's thread.
                self._wait_for(_cancel_others())
            raise

    def close(self) -> None:
        """Cancel running coroutines, and stop loop and thread."""
        self._wait_for(_shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _shut_down() -> None:
    await _cancel_others()
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
