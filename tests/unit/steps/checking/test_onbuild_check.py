"""Triggers of base images that cannot work in a build of keynet's."""

from pathlib import Path

import pytest

from keynet.errors import ValidationError
from keynet.events import Event
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe, UserContainerfile
from keynet.steps.checking import onbuild_check
from tests.tables import table

LINUX = Platform("linux", "amd64")


def _plan(*triggers: str) -> BuildPlan:
    recipe = Recipe(Reference.parse("python:3.11-onbuild"), ("python", "train.py"))
    facts = BaseFacts(LINUX, onbuild=triggers)
    return BuildPlan(context=Path("/x"), files=(), recipe=recipe, base_facts=facts)


@table(
    ("trigger", "absent"),
    [
        ("COPY requirements.txt /usr/src/app/", "requirements.txt"),
        ("ADD --chown=1:1 ./app/ setup.cfg /app/", "./app/"),
        ('copy ["package.json", "/app/"]', "package.json"),
        ('COPY --chown=1 ["my file", "/app/"]', "my file"),
        ("COPY requirements*.txt /app/", "requirements*.txt"),
    ],
)
def test_a_trigger_that_copies_what_no_build_has_is_named(trigger: str, absent: str) -> None:
    with pytest.raises(ValidationError, match="ONBUILD") as caught:
        onbuild_check.check(_plan("WORKDIR /app", trigger), print)
    assert f"have no {absent}: {trigger}" in caught.value.message
    assert "--dockerfile" in caught.value.hint


@table(
    "trigger",
    [
        *("COPY . /app", "COPY ./ /app", "COPY * /app/", "COPY / /app"),
        *("COPY --from=tools /x /x", "ADD https://h.example/x.tar /x", "COPY $FILES /app"),
        *("RUN pip install -r requirements.txt", "COPY", "COPY 'x", "COPY [1", "", "ENV COPY=x"),
        "COPY <<EOF /x\nEOF",
    ],
)
def test_what_may_work_is_left_to_the_build(trigger: str) -> None:
    said: list[Event] = []
    onbuild_check.check(_plan(trigger), said.append)
    assert trigger.partition("\n")[0] in str(said)


def test_the_users_own_containerfile_is_left_alone() -> None:
    recipe = UserContainerfile(Path("/x/Containerfile"), "FROM x\n", ())
    onbuild_check.check(BuildPlan(context=Path("/x"), files=(), recipe=recipe), print)
