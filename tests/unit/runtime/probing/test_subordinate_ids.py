"""Subordinate ids: reading the files, finding a free range, and the command that adds it."""

from pathlib import Path

from keynet.runtime.probing import privileges, subordinate_ids
from keynet.runtime.probing.subordinate_ids import FILES, Entry
from tests.tables import table
from tests.unit.conftest import Machine


def test_entries_leave_out_what_is_not_an_entry() -> None:
    text = "# comment\n\nann:100000:65536\nbad\nbob:x:1\n1000:200000:1\nnone:300000:0\n:1:2\n"
    assert subordinate_ids.entries(text) == [
        Entry("ann", 100_000, 65_536), Entry("1000", 200_000, 1)
    ]  # fmt: skip


@table(
    ("taken", "first"),
    [
        ([], 100_000),
        ([(100_000, 65_536)], 165_536),
        ([(200_000, 65_536)], 100_000),
        ([(120_000, 10)], 120_010),
        ([(165_536, 65_536), (100_000, 65_536)], 231_072),
        ([(100_000, 65_536), (300_000, 10)], 165_536),
        ([(100_000, 200_000), (150_000, 10)], 300_000),
        ([(0, 4_000_000_000)], 4_000_000_000),
    ],
)
def test_a_free_range_overlaps_no_entry(taken: list[tuple[int, int]], first: int) -> None:
    found = subordinate_ids.free_range([Entry("x", *each) for each in taken])
    assert found == Entry("", first, 65_536)
    assert all(found.last < at or found.first > at + count - 1 for at, count in taken)


def test_there_may_be_no_free_range() -> None:
    assert subordinate_ids.free_range([Entry("x", 0, 2**32 - 100)]) is None


def test_the_command_adds_only_what_is_missing() -> None:
    wanted = Entry("", 165_536, 65_536)
    both = subordinate_ids.add_command("ann", wanted, FILES, known=True)
    assert both == "usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ann"
    one = subordinate_ids.add_command("ann", wanted, FILES[1:], known=True)
    assert one == "usermod --add-subgids 165536-231071 ann"


def test_the_command_for_a_user_that_usermod_does_not_know() -> None:
    wanted = Entry("", 100_000, 65_536)
    command = subordinate_ids.add_command("4242", wanted, FILES, known=False)
    assert command == "echo 4242:100000:65536 | tee --append /etc/subuid /etc/subgid"


def test_the_advice_names_the_user_and_a_range_that_is_free(
    tmp_path: Path, machine: Machine
) -> None:
    files = (tmp_path / "subuid", tmp_path / "subgid")
    files[0].write_text("ann:100000:65536\n")
    files[1].write_text("bob:165536:65536\n")
    machine.install("newuidmap")
    name = privileges.user_name()
    span = "231072-296607"
    assert subordinate_ids.advice(files).endswith(
        f"usermod --add-subuids {span} --add-subgids {span} {name}"
    )


def test_the_advice_installs_newuidmap_where_it_is_missing(machine: Machine) -> None:
    del machine
    assert "apt-get install uidmap && usermod" in subordinate_ids.advice()


def test_the_advice_takes_no_ids_of_another_user(tmp_path: Path, machine: Machine) -> None:
    files = (tmp_path / "subuid", tmp_path / "subgid")
    files[0].write_text("ann:100000:4294867000\n")
    machine.install("newuidmap")
    assert subordinate_ids.advice(files) == (
        "Ask your administrator to shorten a range in /etc/subuid, /etc/subgid: "
        "65536 ids are not free."
    )
