"""Names of images in an engine's store: one tag a project."""

import os
from dataclasses import replace
from pathlib import Path

from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Recipe, UserContainerfile
from keynet.runtime.build import layer_cache
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine


def _plan(context: Path) -> BuildPlan:
    return BuildPlan(context, (), Recipe(Reference.parse("a"), ("python", "t.py")))


def test_project_is_named_after_its_folder_and_place(tmp_path: Path) -> None:
    first = layer_cache.project_name(_plan(tmp_path / "My Project_학습"))
    assert first.startswith("localhost/keynet/my-project-")
    assert first == layer_cache.project_name(_plan(tmp_path / "My Project_학습"))
    assert first != layer_cache.project_name(_plan(tmp_path / "x" / "My Project_학습"))
    assert layer_cache.project_name(_plan(tmp_path / "학습")).startswith(
        "localhost/keynet/project-"
    )
    other = replace(_plan(tmp_path), recipe=UserContainerfile(tmp_path / "Dockerfile", "", ()))
    assert layer_cache.project_name(other) != layer_cache.project_name(_plan(tmp_path))
    arm = replace(_plan(tmp_path), platforms=(Platform("linux", "arm64"),))
    assert layer_cache.project_name(arm) != layer_cache.project_name(_plan(tmp_path))


def test_builds_of_a_project_have_names_of_their_own() -> None:
    assert layer_cache.build_name("p") != layer_cache.build_name("p")


def test_a_failed_builds_stages_are_named_and_what_they_replaced_goes(machine: Machine) -> None:
    engine = (str(machine.programs / "buildah"), "--root", "a b")
    program = machine.install("buildah", Answer("*", status=125))
    layer_cache.keep_stages(engine, "p", [])
    assert program.verbs == []
    layer_cache.keep_stages(engine, "p", ["aaaa", "bbbb"])
    first, _name, second, _other, last = program.calls
    one, two = first.arguments[-1], second.arguments[-1]
    assert first.arguments == ["--root", "a b", "tag", "p:stage-1", one]
    assert program.calls[3].arguments[2:] == ["tag", "bbbb", "p:stage-2"]
    assert last.arguments[2:] == ["rmi", one, two]
    assert one.startswith("p:build-")


def test_a_containerfile_from_a_pipe_leaves_the_project_its_name(tmp_path: Path) -> None:
    found = set()
    for _turn in range(2):
        read, write = os.pipe()
        # The same descriptor, and another pipe behind it, as a shell's ``<(...)``.
        os.dup2(read, 97)
        recipe = UserContainerfile(Path("/dev/fd/97"), "FROM scratch\n", ())
        found.add(layer_cache.project_name(replace(_plan(tmp_path), recipe=recipe)))
        for descriptor in (read, write, 97):
            os.close(descriptor)
    assert len(found) == 1
