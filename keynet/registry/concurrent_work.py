"""Do several things of one event loop at the same time."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["run_together"]

_Result = TypeVar("_Result")


async def run_together(jobs: Iterable[Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """Run all jobs and return their results in order.

    The first failure cancels the others and is raised as it is.
    """
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
