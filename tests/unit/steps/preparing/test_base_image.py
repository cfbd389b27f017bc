"""Base images are checked before anything is spent: engine's copy, registry, engine's pull."""

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keynet.errors import EngineError, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Instruction, Recipe, RegistryAccess, UserContainerfile
from keynet.recipe import instructions
from keynet.runtime.engine import WorkingEngine
from keynet.secret import Secret
from keynet.steps.preparing import base_image
from keynet.steps.preparing.background_lookup import UNKNOWN, BackgroundLookup
from tests.fakes.builder import ArchiveBuilder
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.cli.conftest import served
from tests.unit.conftest import Machine
from tests.unit.registry.test_base_lookup import add_image, add_index, config, entry

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


class StoreBuilder(ArchiveBuilder):
    """A builder with a store: its own copies by name, and what a pull of a name gives."""

    def __init__(self, folder: Path, architecture: str = "amd64") -> None:
        super().__init__(folder)
        self.engine = WorkingEngine("store", "1.0", "store 1.0", architecture=architecture)
        self.copies: dict[str, Platform] = {}
        self.pulls: dict[str, Platform | str] = {}
        self.pulled: list[tuple[str, Platform]] = []

    def inspect(self, name: str) -> BaseFacts | None:
        platform = self.copies.get(name)
        return BaseFacts(platform, user="own") if platform else None

    def fetch(
        self,
        plan: BuildPlan,
        name: str,
        platform: Platform,
        access: RegistryAccess | None,
        emit: Emit,
    ) -> str:
        self.pulled.append((name, platform))
        found = self.pulls.get(name, "manifest unknown")
        if isinstance(found, str):
            return found
        self.copies[name] = found
        return ""


@dataclass
class Bed:
    """A registry with images, and a builder with a store."""

    registry: MemoryRegistry
    host: str
    builder: StoreBuilder
    lookups: list[BackgroundLookup] = field(default_factory=list)

    def name(self, tag: str) -> str:
        return f"{self.host}/python:{tag}"

    def check(self, name: str, *platforms: Platform) -> BuildPlan:
        return self.checked(_plan(name, *platforms))

    def checked(self, plan: BuildPlan) -> BuildPlan:
        lookup = BackgroundLookup(None, wait_s=60)
        if not self.builder.copies:
            # Nobody would wait for it, and the registry ends with the test.
            base_image.start(plan, lookup)
        return base_image.check(plan, self.builder, lookup, None, ignore)


def _plan(name: str, *platforms: Platform) -> BuildPlan:
    recipe = Recipe(Reference.parse("x"), ("python", "a.py"), base_name=name)
    return BuildPlan(Path(), (), recipe, platforms=platforms)


def _containerfile(text: str, *platforms: Platform) -> BuildPlan:
    own = UserContainerfile(Path("Dockerfile"), text, tuple(instructions.parse(text)))
    return BuildPlan(Path(), (), own, platforms=platforms)


@pytest.fixture
def bed(machine: Machine, tmp_path: Path) -> Iterator[Bed]:
    del machine
    with served(MemoryRegistry()) as (registry, host):
        amd64, arm64 = (add_image(registry, config(each)) for each in ("amd64", "arm64"))
        add_index(registry, entry(amd64, "amd64"), entry(arm64, "arm64"), tag="two")
        add_image(registry, config("amd64"), "amd64")
        yield Bed(registry, host, StoreBuilder(tmp_path))


def _from_name(plan: BuildPlan) -> str:
    assert isinstance(plan.recipe, Recipe)
    return plan.recipe.from_name


def test_the_registrys_image_is_described(bed: Bed) -> None:
    plan = bed.check(bed.name("two"))
    assert plan.base_facts is not None
    assert (plan.base_facts.platform, plan.base_facts.python) == (AMD64, (3, 11))
    assert plan.base_facts.digest is not None
    assert _from_name(plan) == bed.name("two")
    assert plan.platforms == ()
    assert not bed.builder.pulled


def test_a_base_of_another_platform_is_an_error_that_names_both(bed: Bed) -> None:
    with pytest.raises(ValidationError) as caught:
        bed.check(bed.name("amd64"), ARM64)
    assert bed.name("amd64") in caught.value.message
    assert "linux/amd64 only, not for linux/arm64" in caught.value.message
    assert "--platform" in caught.value.hint
    assert caught.value.exit_status == 7


def test_another_platform_is_taken_by_its_digest(bed: Bed) -> None:
    plan = bed.check(bed.name("two"), ARM64)
    assert plan.base_facts is not None
    assert plan.base_facts.platform == ARM64
    assert _from_name(plan) == f"{bed.host}/python@{plan.base_facts.digest}"
    assert plan.platforms == (ARM64,)


def test_the_engines_own_copy_counts(bed: Bed) -> None:
    bed.builder.copies[bed.name("amd64")] = ARM64
    bed.registry.seen.clear()
    plan = bed.check(bed.name("amd64"), ARM64)
    assert plan.base_facts == BaseFacts(ARM64, user="own")
    assert _from_name(plan) == bed.name("amd64")


def test_a_known_copy_costs_no_request(bed: Bed) -> None:
    bed.builder.copies[bed.name("two")] = AMD64
    plan = bed.check(bed.name("two"))
    bed.registry.seen.clear()
    base_image.start(plan, BackgroundLookup(None))
    bed.check(bed.name("two"))
    assert not bed.registry.seen


@pytest.mark.medium
def test_an_answer_of_the_registry_is_good_for_minutes(bed: Bed) -> None:
    first = bed.check(bed.name("two"))
    bed.registry.seen.clear()
    assert bed.check(bed.name("two")) == first
    assert not bed.registry.seen
    [kept] = (Path.home() / ".cache/keynet/bases").glob("answer-*")
    os.utime(kept, (0, time.time() - 3600))
    assert bed.check(bed.name("two")) == first
    asked = [seen.method for seen in bed.registry.seen if "/manifests/" in seen.url]
    assert asked == ["HEAD"]
    kept.write_bytes(b"{}")
    assert bed.check(bed.name("two")) == first


def test_a_copy_of_another_platform_is_left_aside(bed: Bed) -> None:
    bed.builder.copies[bed.name("two")] = ARM64
    plan = bed.check(bed.name("two"))
    assert plan.base_facts is not None
    assert plan.base_facts.platform == AMD64
    assert _from_name(plan) == f"{bed.host}/python@{plan.base_facts.digest}"
    assert plan.platforms == (AMD64,)
    assert not bed.builder.pulled


def test_a_copy_that_the_registry_does_not_have_for_this_platform(bed: Bed) -> None:
    bed.builder.copies["localhost/local"] = ARM64
    with pytest.raises(
        ValidationError, match="localhost/local is for linux/arm64 only, not for linux/amd64"
    ):
        bed.check("localhost/local")


def test_does_not_exist_needs_registry_and_engine(bed: Bed) -> None:
    with pytest.raises(EngineError) as caught:
        bed.check(bed.name("nope"))
    assert f"{bed.name('nope')} does not exist" in caught.value.message
    assert "store has no copy" in caught.value.message
    bed.builder.pulls[bed.name("nope")] = AMD64
    plan = bed.check(bed.name("nope"))
    assert plan.base_facts == BaseFacts(AMD64, user="own")


def test_what_only_the_engine_can_pull_is_pulled_as_the_build_would(bed: Bed) -> None:
    bed.builder.pulls["localhost/mirrored"] = AMD64
    assert bed.check("localhost/mirrored").base_facts == BaseFacts(AMD64, user="own")
    assert bed.builder.pulled == [("localhost/mirrored", AMD64)]
    bed.builder.pulls["localhost/other"] = ARM64
    with pytest.raises(ValidationError, match="linux/arm64 only"):
        bed.check("localhost/other")


def test_an_engine_that_cannot_pull_says_so_at_once(bed: Bed) -> None:
    bed.builder.pulls["localhost/far"] = "Error: connection refused"
    with pytest.raises(
        EngineError, match=r"could not read the base image localhost/far: .*connection refused"
    ):
        bed.check("localhost/far")


def test_ids_reach_the_engine_unchanged(bed: Bed) -> None:
    for name in ("f" * 12, f"sha256:{'a' * 64}"):
        bed.builder.copies[name] = AMD64
        plan = bed.check(name)
        assert _from_name(plan) == name
        assert plan.base_facts is not None


@pytest.mark.medium
def test_a_builder_without_store_has_the_registrys_answer(bed: Bed, tmp_path: Path) -> None:
    plain = replace_builder(bed, ArchiveBuilder(tmp_path))
    lookup = BackgroundLookup(None, wait_s=60)
    plan = base_image.check(_plan(bed.name("two"), ARM64), plain, lookup, None, ignore)
    assert plan.base_facts is not None
    with pytest.raises(EngineError, match="does not exist"):
        base_image.check(_plan(bed.name("nope")), plain, lookup, None, ignore)
    unknown = _plan("localhost/x")
    assert base_image.check(unknown, plain, lookup, None, ignore) == unknown


def replace_builder(bed: Bed, builder: ArchiveBuilder) -> ArchiveBuilder:
    builder.engine = replace(builder.engine, architecture="amd64")
    return builder


@pytest.mark.medium
def test_every_base_of_a_users_containerfile_is_checked(bed: Bed) -> None:
    text = f"FROM {bed.name('two')} AS a\nFROM scratch\nFROM a\nFROM {bed.name('amd64')}\n"
    plan = _containerfile(text)
    assert bed.checked(plan) == plan
    with pytest.raises(ValidationError) as caught:
        bed.checked(_containerfile(text, ARM64))
    assert bed.name("amd64") in caught.value.message
    assert "FROM" in caught.value.hint
    with pytest.raises(EngineError, match="does not exist"):
        bed.checked(_containerfile(f"FROM {bed.name('nope')}\n"))


def test_a_users_containerfile_gets_the_right_copy_under_its_own_name(bed: Bed) -> None:
    bed.builder.copies[bed.name("two")] = ARM64
    plan = bed.checked(_containerfile(f"FROM {bed.name('two')}\n"))
    assert plan.platforms == (AMD64,)
    assert bed.builder.pulled == [(bed.name("two"), AMD64)]


def test_bases_that_only_the_build_knows_are_left_to_it(bed: Bed) -> None:
    text = "ARG BASE=x\nFROM $BASE\nFROM --platform=linux/arm64 localhost/y\nFROM localhost/z\n"
    plan = _containerfile(text)
    assert bed.checked(plan) == plan
    assert not bed.builder.pulled


def test_the_platform_is_shown_where_it_is_not_this_machines(bed: Bed) -> None:
    own = bed.check(bed.name("two"))
    assert base_image.describe(own, bed.builder) == f"{bed.name('two')}, Python 3.11"
    foreign = replace(own, platforms=(ARM64,))
    shown = base_image.describe(foreign, bed.builder)
    assert shown.endswith("for linux/arm64 (this machine: linux/amd64)")
    assert "this machine" not in base_image.describe(replace(own, platforms=(AMD64,)), bed.builder)


@pytest.mark.medium
def test_a_registry_that_does_not_answer_stops_nothing(machine: Machine, tmp_path: Path) -> None:
    del machine
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = Reference.parse(f"127.0.0.1:{silent.getsockname()[1]}/python:3.11")
        lookup = BackgroundLookup(None, wait_s=0.1)
        began = time.monotonic()
        assert lookup.result(base, AMD64) is UNKNOWN
        assert time.monotonic() - began < 60
    closed = Reference.parse("127.0.0.1:1/python:3.11")
    lookup = BackgroundLookup(None, wait_s=60)
    assert lookup.result(closed, AMD64) is UNKNOWN


def test_broken_logins_of_others_stop_nothing(bed: Bed, machine: Machine) -> None:
    logins = machine.home / ".docker"
    logins.mkdir()
    (logins / "config.json").write_text("{not JSON")
    bed.registry.auth = "basic"
    bed.builder.pulls[bed.name("two")] = AMD64
    assert bed.check(bed.name("two")).base_facts == BaseFacts(AMD64, user="own")


def test_the_platforms_registry_is_read_with_its_account(bed: Bed) -> None:

    bed.registry.auth = "basic"
    access = RegistryAccess(
        bed.host, bed.registry.user, Secret(bed.registry.password), insecure=True
    )
    base = Reference.parse(bed.name("two"))
    lookup = BackgroundLookup(None, wait_s=60)
    assert lookup.result(base, AMD64) is UNKNOWN
    lookup = BackgroundLookup(access, wait_s=60)
    assert lookup.result(base, AMD64) is not UNKNOWN


@table(
    ("text", "bases"),
    [
        ("FROM a", ("a",)),
        ("FROM a AS b\nFROM b\nFROM B as c\nCOPY x y\nFROM c", ("a",)),
        ("FROM a\nFROM a", ("a",)),
        ("FROM --platform=$BUILDPLATFORM a AS b\nFROM b\nFROM d", ("d",)),
        ("FROM ${X}\nFROM 'q:1'\nFROM SCRATCH\nFROM", ("q:1",)),
    ],
)
def test_bases_of_a_containerfile(text: str, bases: tuple[str, ...]) -> None:
    assert instructions.bases(instructions.parse(text)) == bases
    assert all(isinstance(each, Instruction) for each in instructions.parse(text))
