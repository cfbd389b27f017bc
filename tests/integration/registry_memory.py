"""Push and pull layers of a given size and print the peaks of resident memory, in MiB.

    python -m tests.integration.registry_memory HOST NAME LAYERS BYTES

The bytes come from a seed: nothing of that size is on disk or in memory before. With 2 layers
of 2147483648 bytes it takes a minute or two.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import RandomLayer, image_of


def _peak() -> int:
    # Not ru_maxrss: it counts the parent's memory from before the program was started.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


async def _measure(host: str, name: str, count: int, size: int) -> dict[str, int]:
    target = Reference(host, name, "1")
    seed = time.time_ns() % 1_000_000
    image = image_of(tuple(RandomLayer.make(seed + number, size) for number in range(count)))
    async with RegistryClient(host) as client:
        await push_image(client, image, target)
        pushed = _peak()
        read = await fetch_image(client, target)

        async def drain(number: int) -> None:
            async for _chunk in read.layers[number].chunks():
                pass

        await asyncio.gather(*(drain(number) for number in range(count)))
        return {"push": pushed, "pull": _peak()}


if __name__ == "__main__":
    host, name, count, size = sys.argv[1:]
    print(json.dumps(asyncio.run(_measure(host, name, int(count), int(size)))))
