"""Run an installer, pass its output on, and add what it leaves out when it fails.

Neither uv nor pip says that an index refuses the login: both take it for an index that does not
have the package.
"""

import json
import netrc
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit, urlunsplit

_TIMEOUT_S = 10
_MOST = 4
_UNKNOWN = (
    re.compile(r"Because ([A-Za-z0-9][\w.-]*) was not found in the package registry"),
    re.compile(r"No matching distribution found for ([A-Za-z0-9][\w.-]*)"),
    re.compile(r"[Ff]ailed to fetch: `?https?://\S*/([A-Za-z0-9][\w.-]*)/`?\s*$"),
)


def run(
    command: "list[str]",
    environment: "dict[str, str]",
    folder: str,
    indexes: "list[str]",
    pinned: "dict[str, str]",
) -> int:
    """Run an installer and return its exit status; report what the indexes answer if it fails.

    Args:
        indexes: The URLs that it asks, with their logins.
        pinned: The only URL that it asks for a package, by normalised name.
    """
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    missing = []
    assert process.stdout is not None
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace")
        sys.stderr.write(line)
        sys.stderr.flush()
        missing += not_found(line)
    status = process.wait()
    if status != 0:
        # Proxies and certificates as the installer has them.
        os.environ.update(environment)
        for answer in answers(missing, indexes, pinned):
            sys.stderr.write(answer + "\n")
    return status


def not_found(line: str) -> "list[str]":
    """Return the packages that an installer says it has not found."""
    found = [pattern.search(line[:2000]) for pattern in _UNKNOWN]
    return [each.group(1) for each in found if each]


def answers(
    missing: "list[str]", indexes: "list[str]", pinned: "dict[str, str]"
) -> "Iterator[str]":
    """Ask the indexes for packages that were not found, and iterate over lines of a log."""
    for name in list(dict.fromkeys(missing))[:_MOST]:
        own = pinned.get(normalised(name))
        for index in [own] if own else indexes:
            yield f"keynet: {shown(index)} answers {asked(index, name)} for {name}"


def shown(url: str) -> str:
    """Return a URL without its login."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def normalised(name: str) -> str:
    """Return a package's name as indexes have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_netrc(host: str) -> str:
    """Return user:password of a host in the file that NETRC names; "" without one."""
    try:
        found = netrc.netrc(os.environ["NETRC"]).hosts.get(host)
    except (KeyError, OSError, ValueError, netrc.NetrcParseError):
        return ""
    return f"{found[0]}:{found[2]}" if found else ""


def asked(index: str, name: str) -> str:
    """Return the status of an index for a package, or why there is none."""
    if not index.startswith(("http://", "https://")):
        return "nothing (it is not a URL of http)"
    request = urllib.request.Request(f"{shown(index).rstrip('/')}/{normalised(name)}/")  # noqa: S310
    user, _at, _host = urlsplit(index).netloc.rpartition("@")
    user = unquote(user) or of_netrc(urlsplit(index).hostname or "")
    if user:
        login = b64encode(user.encode()).decode()
        request.add_header("Authorization", "Basic " + login)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return f"nothing ({getattr(error, 'reason', error)})"


if __name__ == "__main__":
    # On the host, with the variables that an installer has there.
    for shown_answer in answers(*json.load(sys.stdin)):
        sys.stdout.write(shown_answer + "\n")
