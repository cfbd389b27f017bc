"""Ask a ``docker-credential-…`` program, with nothing secret in argv and with limits.

Source: docker-credential-helpers, "Development".
"""

import asyncio
import math
import os
import signal
import time
from contextlib import suppress
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as Malformed

from keynet.errors import UsageError
from keynet.process import programs
from keynet.process.environment import without_own
from keynet.registry.auth.credential_sources import Credential
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["HelperAnswers", "ask_helper"]

_OUTPUT_LIMIT: Final = 256 * 1024
_DRAIN_S: Final = 2.0
# What helpers print on standard output when they have nothing for that server.
_NOT_FOUND: Final = "credentials not found"
_IDENTITY_USER: Final = "<token>"
# Helpers of cloud registries hand out passwords that expire.
_KEPT_S: Final = 60.0


class _Reply(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    Username: str = ""
    Secret: str = ""


class HelperAnswers:
    """What helpers answered a moment ago: a list of repositories asks once for each of them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, Credential | None]] = {}

    async def ask(self, name: str, server: str, timeout_s: float) -> Credential | None:
        """Return the answer of ``ask_helper``, asked now or within the last minute.

        Raises:
            UsageError: As ``ask_helper``.
        """
        since, answer = self._kept.get((name, server), (-math.inf, None))
        if time.monotonic() - since > _KEPT_S:
            answer = await ask_helper(name, server, timeout_s)
            self._kept[name, server] = time.monotonic(), answer
        return answer


async def ask_helper(name: str, server: str, timeout_s: float) -> Credential | None:
    """Ask ``docker-credential-NAME get`` for a server; None: it has nothing.

    Raises:
        UsageError: It is missing, fails, hangs or its answer cannot be read.
    """
    program = f"docker-credential-{name}"
    found = programs.find(program)
    if found is None:
        raise _unusable(program, _("it is not installed"))
    try:
        process = await asyncio.create_subprocess_exec(
            found,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=without_own(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        raise _unusable(program, error.strerror or _("it cannot be started")) from error
    try:
        async with asyncio.timeout(timeout_s):
            output = await _converse(process, server)
            status = await process.wait()
    except TimeoutError as error:
        raise _unusable(program, _("it did not answer in time")) from error
    finally:
        # It may have children of its own that hold the pipe open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await _drain(process)
    if status != 0:
        text = output.decode(errors="replace")
        if _NOT_FOUND in text.lower():
            return None
        raise _unusable(program, printable(text, 200) or _("it failed"))
    try:
        reply = _Reply.model_validate_json(output)
    except Malformed:
        raise _unusable(program, _("its answer is not a credential")) from None
    if not reply.Secret:
        return None
    identity = reply.Username == _IDENTITY_USER
    return Credential("" if identity else reply.Username, Secret(reply.Secret), identity=identity)


async def _converse(process: asyncio.subprocess.Process, server: str) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(server.encode() + b"\n")
        await process.stdin.drain()
    process.stdin.close()
    output = b""
    while piece := await process.stdout.read(65536):
        # Output beyond the limit is read and dropped, so that the program can end.
        output = (output + piece)[:_OUTPUT_LIMIT]
    return output


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read what a killed program left in the pipe: asyncio waits for its end."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            while await process.stdout.read(65536):
                pass
            await process.wait()
            # A program that did not read its input: asyncio would log the broken pipe.
            with suppress(BrokenPipeError, ConnectionResetError):
                await process.stdin.wait_closed()


def _unusable(program: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The credential helper {program} cannot be used: {reason}."),
            program=program,
            reason=reason,
        ),
        _("Install it, or remove it from credsStore and credHelpers in docker's config.json."),
    )
