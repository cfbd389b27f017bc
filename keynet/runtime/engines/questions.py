"""Ask an engine's program a question, and turn what goes wrong into errors for people."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from keynet.errors import EngineError, EngineTimeout, EngineUnavailable
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.abilities import TIMEOUT_S
from keynet.runtime.engine import Unusable
from keynet.runtime.probing import reasons
from keynet.text import _, fill

__all__ = ["Questions", "documents", "mapping", "names", "number", "texts", "unavailable"]

# What the clients print when no daemon answers them, or it refuses this user.
_NO_DAEMON: Final = re.compile(
    r"cannot connect|unable to connect|error during connect|connection refused|dial (?:unix|tcp)"
    r"|permission denied while trying to connect|i/o timeout|context deadline exceeded"
    r"|no such host|connection reset",
    re.IGNORECASE,
)


@frozen
class Questions:
    """An engine's program, as argv up to the verb, and how its failures are explained."""

    guide: reasons.Guide
    prefix: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = TIMEOUT_S

    def run(self, *arguments: str, timeout_s: float | None = None) -> shell.Finished:
        """Run it to its end, whatever its status is.

        Raises:
            EngineUnavailable: Not installed, or no answer within the time.
        """
        command = shell.Command((*self.prefix, *arguments), environment=self.environment)
        try:
            return shell.run(command, timeout_s=timeout_s or self.timeout_s)
        except EngineUnavailable as error:
            raise unavailable(reasons.not_installed(self.guide)) from error
        except EngineTimeout as error:
            raise unavailable(reasons.hanging(self.guide, error.timeout_s)) from error
        except EngineError as error:
            raise EngineUnavailable(error.message, error.hint) from error

    def ask(self, *arguments: str, timeout_s: float | None = None) -> str:
        """Run it and return its standard output.

        Raises:
            EngineUnavailable: Not installed, no daemon, or no answer within the time.
            EngineError: It failed for another reason.
        """
        finished = self.run(*arguments, timeout_s=timeout_s)
        if finished.status != 0:
            raise self.failure(finished, " ".join(arguments[:2]))
        return finished.stdout

    def failure(self, finished: shell.Finished, verb: str) -> EngineError:
        """Return the error for a command that ended with another status than 0."""
        said = finished.stderr or finished.stdout
        if _NO_DAEMON.search(said):
            return unavailable(reasons.explain(self.guide, said))
        return EngineError(
            fill(
                _("{engine} {verb} failed: {said}"),
                engine=self.guide.name,
                verb=verb,
                said=reasons.trial_error(finished.status, said),
            ),
            reasons.known_fix(self.guide, said) or _("Details: keynet doctor"),
        )


def unavailable(found: Unusable) -> EngineUnavailable:
    """Return the error for an engine that cannot be used."""
    return EngineUnavailable(
        fill(
            _("{engine} cannot be used: {reason}"),
            engine=found.name,
            reason=found.reason or _("it failed without a message"),
        ),
        found.fix,
    )


def documents(text: str) -> list[Mapping[str, Any]]:
    """Return the objects in an engine's JSON: a list, one object, or one on each line.

    Empty where it is not JSON: a command that failed has no other output.
    """
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        found = [_line(line) for line in text.splitlines() if line.strip()]
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, dict)]


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> int:
    """Return a JSON number that is whole, or 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def texts(value: object) -> dict[str, str]:
    """Return a JSON object's members as texts, or nothing for anything else."""
    return {str(key): str(member) for key, member in mapping(value).items()}


def names(value: object) -> Sequence[str]:
    """Return a JSON array of texts, or nothing for anything else."""
    return [str(each) for each in value] if isinstance(value, list) else []


def _line(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
