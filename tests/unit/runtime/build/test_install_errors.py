"""Why an installation failed, from what uv and pip really wrote."""

from collections.abc import Iterable

import pytest

from keynet.oci.reference import Reference
from keynet.runtime.build import install_errors
from keynet.runtime.build.build_log import BuildLog
from tests.tables import table

UV = "keynet: uv installs for Python 3.11.2 from https://pypi.org/simple"
PIP = "keynet: pip installs for Python 3.8.18 from https://index.test/simple (as the setting says)"


def explained(text: str) -> tuple[str, str]:
    """Return the words on a failure whose log is this text."""
    lines = text.splitlines()
    read = install_errors.read(
        [line for line in lines if install_errors.OWN in line],
        [line for line in lines if install_errors.OWN not in line],
    )
    found = read.explained("docker.io/library/python:3.11-slim")
    return found.message, found.hint


@table(
    ("log", "reason", "hint"),
    [
        (
            "error: Failed to read `tiny @ file:///x/tiny-1.0-py3-none-any.whl`\n"
            "  cause: Failed to read from zip file",
            "the archive of tiny is damaged",
            "download it again",
        ),
        (
            "error: Failed to download `six @ https://example.com/six-1.0.tar.gz`\n"
            "  cause: Failed to fetch: https://example.com/six-1.0.tar.gz\n"
            "  cause: HTTP status client error (404 Not Found) for url (https://example.com/x)",
            "a file that the requirements name by its URL is not there",
            "Correct the URL",
        ),
        (
            "error: No solution found when resolving dependencies\n"
            "  cause: Because torhc was not found in the package registry and you require torhc, "
            "we can conclude that your requirements are unsatisfiable.",
            "the index has no package torhc",
            "spelling",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torhc==2.0 "
            "(from versions: none)\nERROR: No matching distribution found for torhc==2.0",
            "the index has no package torhc==2.0",
            "spelling",
        ),
        (
            "  cause: Because there is no version of six==99 and you require six==99, we can "
            "conclude that your requirements are unsatisfiable.",
            "no version fits six==99",
            "another Python",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement six==99 "
            "(from versions: 1.15.0, 1.16.0)\nERROR: No matching distribution found for six==99",
            "no version fits six==99",
            "another Python",
        ),
        (
            "  cause: Because tensorflow==1.15.0 has no wheels with a matching Python ABI tag "
            "(e.g., `cp311`) and you require tensorflow==1.15, we can conclude that your "
            "requirements are unsatisfiable.",
            "no version of tensorflow==1.15.0 is for this Python",
            "--base-image",
        ),
        (
            "ERROR: Ignored the following versions that require a different python version: "
            "2.0 Requires-Python >=3.12\nERROR: Could not find a version that satisfies the "
            "requirement numpy==2.9 (from versions: 1.0)",
            "no version of numpy==2.9 is for this Python",
            "--base-image",
        ),
        (
            "error: Failed to download and build `six @ git+https://github.com/e/e.git`\n"
            "  cause: Git operation failed\n"
            "  cause: Git executable not found. Ensure that Git is installed and available.",
            "the base image has no git",
            "python:3.11",
        ),
        (
            "ERROR: Error [Errno 2] No such file or directory: 'git' while executing command git\n"
            "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?",
            "the base image has no git",
            "archive",
        ),
        (
            "error: Failed to download `six==1.16.0`\n  cause: Hash mismatch for `six==1.16.0`",
            "the archive of six==1.16.0 does not have the hash",
            "generate-hashes",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
            "    six==1.16.0 from https://files.test/six-1.16.0.whl (from -r h.txt (line 1)):",
            "the archive of six==1.16.0 does not have the hash",
            "generate-hashes",
        ),
        (
            "error: In `--require-hashes` mode, all requirements must have their versions pinned "
            "with `==`, but found: six",
            "some requirements have hashes, and six has none",
            "generate-hashes",
        ),
        (
            "  cause: Because six was not found in the package registry and you require six\n"
            "keynet: https://index.test/simple answers 401 for six",
            "refuses the login",
            "PIP_INDEX_URL",
        ),
        (
            "error: Request failed after 3 retries in 8.1s\n  cause: client error (Connect)\n"
            "  cause: dns error",
            "cannot reach the package index",
            "HTTPS_PROXY",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(Temporary failure in "
            "name resolution)': /simple/six/\nERROR: Could not find a version that satisfies the "
            "requirement six (from versions: none)",
            "cannot reach the package index",
            "HTTPS_PROXY",
        ),
        (
            "  cause: invalid peer certificate: UnknownIssuer",
            "certificate of the package index is not trusted",
            "SSL_CERT_FILE",
        ),
        (
            "  cause: HTTP status server error (500 Internal Server Error) for url (http://x/)",
            "failure of its own",
            "later",
        ),
        (
            "error: Failed to build `lru-dict==1.1.6`\n  cause: The build backend returned an error"
            "\n         error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
            "lru-dict==1.1.6 has to be compiled",
            "python:3.11-slim",
        ),
        (
            "  cause: Because you require six>=1.16,<1.17 and six==1.15.0, we can conclude that "
            "your requirements are unsatisfiable.",
            "contradict each other",
            "Loosen",
        ),
        ("ERROR: ResolutionImpossible: for help visit", "contradict each other", "Loosen"),
        (
            'runc: exec: "python3": executable file not found in $PATH',
            "the base image has no python3",
            "--base-image",
        ),
        (
            "keynet: the base image's Python lacks a part of its standard library (No module named "
            "'json'); on Debian the package python3-minimal is not enough, it needs python3.",
            "python3-minimal is not enough",
            "log",
        ),
        (
            "error: Error parsing included file in `requirements.txt` at position 0\n"
            "cause: Error while accessing remote requirements file: "
            "https://me:secret@files.example/needs.txt?key=secret\ncause: dns error",
            "the build cannot read the list at files.example/needs.txt.",
            "copy the list into the project",
        ),
        ("OSError: [Errno 28] No space left on device", "the disk is full", "keynet clean"),
        ("something new", "see the log", "last lines"),
    ],
)
def test_reason_names_what_failed_and_the_hint_what_to_do(log: str, reason: str, hint: str) -> None:
    for start, python in ((UV, "3.11.2"), (PIP, "3.8.18")):
        said, advice = explained(f"{start}\n{log}")
        assert reason in said.splitlines()[0]
        assert hint in advice
        assert f"python:3.11-slim, with Python {python}\n" in said
        assert "Package index: https://" in said.splitlines()[-1]
        assert "(" not in said.splitlines()[-1]


def test_lines_of_buildkit_are_read_alike() -> None:
    said, _hint = explained(f"#7 0.412 {UV}\n#7 1.001 ERROR: ResolutionImpossible: for help")
    assert "contradict each other" in said
    assert "Python 3.11.2" in said


def test_lines_in_colours_are_read_alike() -> None:
    said, _hint = explained(f"\x1b[91m{UV}\n\x1b[0m\x1b[91mERROR: ResolutionImpossible: for help")
    assert "contradict each other" in said
    assert "Python 3.11.2" in said


def _failed(lines: Iterable[str]) -> str:
    """Return the message on a build that fails in keynet's step with these lines."""
    log = BuildLog()
    log.feed("STEP 2/4: RUN python3 /keynet/install.py")
    for line in lines:
        log.feed(line)
    base = Reference.parse("docker.io/library/base:1")
    return log.failure("podman", 1, "Containerfile", base).message


@pytest.mark.medium
def test_a_long_line_costs_no_time_and_a_log_without_a_start_names_the_base() -> None:
    assert "\nBase image: docker.io/library/base:1" in _failed(["python3 " * 125_000] * 20)


@pytest.mark.medium
def test_the_cause_is_found_after_ten_thousand_lines_and_before_a_thousand() -> None:
    compiling = ["  cc -O2 -c part.c"] * 10_000
    failed = ["error: command '/usr/bin/gcc' failed with exit code 1", *compiling[:1000]]
    said = _failed([PIP, *compiling, *failed])
    assert "has to be compiled" in said
    assert "with Python 3.8.18" in said
