"""Checks as values: when two are the same, and what an error becomes."""

import dataclasses

from keynet.errors import KeynetError, NotAuthorised, RegistryError
from keynet.steps.examining.check import Check, Group, failed

CHECK = Check("store", Group.ENGINES, True, "overlay /var/lib, 81.1 GB of 271 GB free")


def test_a_measured_number_is_no_change() -> None:
    later = dataclasses.replace(CHECK, found=CHECK.found.replace("81.1 GB", "899 MB"))
    assert not later.same_as(CHECK)
    assert dataclasses.replace(later, measured=True).same_as(CHECK)
    other = dataclasses.replace(CHECK, measured=True, found="vfs /var/lib, 81.1 GB of 271 GB free")
    assert not other.same_as(CHECK)


def test_another_verdict_or_fix_is_a_change() -> None:
    assert CHECK.same_as(CHECK)
    assert not CHECK.same_as(None)
    assert not dataclasses.replace(CHECK, ok=False, measured=True).same_as(CHECK)
    assert not dataclasses.replace(CHECK, fix="free some").same_as(CHECK)


def test_the_status_is_one_of_backend_and_login() -> None:
    def status(error: KeynetError) -> int:
        return failed("x", Group.PLATFORM, error, status=5).status

    assert status(NotAuthorised("no")) == 6
    assert status(RegistryError("no")) == 5
    assert status(KeynetError("no")) == 5
