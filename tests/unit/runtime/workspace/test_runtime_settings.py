"""Settings of runs, merged: which source wins, and what is refused with its place."""

from typing import Any

import pytest

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.limits import Limits
from keynet.runtime.workspace.runtime_settings import RuntimeSettings, merge_runtime
from tests.tables import table


def test_without_sources_the_defaults_count() -> None:
    found = merge_runtime()
    assert found == RuntimeSettings(
        30.0, 5.0, "alpine:latest", "/bin/sh", "keynet-network", Limits()
    )
    assert found.sources == {}


def test_flag_before_variable_before_repository_before_own_file() -> None:
    found = merge_runtime(
        {"cpus": 4, "memory": None},
        {"KEYNET_RUNTIME_CPUS": "3", "KEYNET_RUNTIME_MEMORY": "3g"},
        {"cpus": 2, "memory": "2g", "shell": "/bin/bash"},
        {"shell": "/bin/zsh", "timeout": 60},
    )
    assert (found.limits.cpus, found.limits.memory) == (4, 3 * 1024**3)
    assert (found.shell, found.timeout_s) == ("/bin/bash", 60)
    assert found.sources == {
        "cpus": "--cpus",
        "memory": "KEYNET_RUNTIME_MEMORY",
        "shell": "pyproject.toml: [tool.keynet.runtime] shell",
        "timeout": "config file: runtime timeout",
    }


def test_every_setting_has_a_variable_and_a_key() -> None:
    variables = {
        "KEYNET_RUNTIME_TIMEOUT": "10",
        "KEYNET_RUNTIME_PING_TIMEOUT": "2.5s",
        "KEYNET_RUNTIME_IMAGE": "python:3.11-slim",
        "KEYNET_RUNTIME_SHELL": "/bin/bash",
        "KEYNET_RUNTIME_NETWORK": "team",
        "KEYNET_RUNTIME_CPUS": "0.5",
        "KEYNET_RUNTIME_MEMORY": "1g",
        "KEYNET_RUNTIME_PRIVILEGED": "yes",
        "KEYNET_RUNTIME_READ_ONLY": "off",
        "KEYNET_RUNTIME_SECURITY_OPTIONS": "no-new-privileges,seccomp=unconfined",
    }
    expected = RuntimeSettings(
        timeout_s=10,
        ping_timeout_s=2.5,
        image="python:3.11-slim",
        shell="/bin/bash",
        network="team",
        limits=Limits(0.5, 1024**3, True, False, ("no-new-privileges", "seccomp=unconfined")),
    )
    assert merge_runtime(environment=variables) == expected
    # The user's own file may set all of them, too.
    saved: dict[str, Any] = {
        name.removeprefix("KEYNET_RUNTIME_").lower(): value for name, value in variables.items()
    }
    assert merge_runtime(saved=saved) == expected


@table(
    ("table", "place"),
    [
        ({"cpus": -1}, "cpus"),
        ({"cpus": "nan"}, "cpus"),
        ({"cpu-limit": "two"}, "cpu-limit"),
        ({"memory": "12XB"}, "memory"),
        ({"memory-limit": -5}, "memory-limit"),
        ({"memory": True}, "memory"),
        ({"read-only": "perhaps"}, "read-only"),
        ({"read_only": 1}, "read_only"),
        ({"privileged": "maybe"}, "privileged"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "nan"}, "timeout"),
        ({"timeout": 10**400}, "timeout"),
        ({"ping-timeout": "soon"}, "ping-timeout"),
        ({"image": "NOT AN IMAGE"}, "image"),
        ({"image": "-v"}, "image"),
        ({"image": ""}, "image"),
        ({"image": 3}, "image"),
        ({"default-shell": "sh -c"}, "default-shell"),
        ({"shell": "/bin/sh\n"}, "shell"),
        ({"network": "a b"}, "network"),
        ({"security-options": ["nothing"]}, "security-options"),
        ({"security-options": 1}, "security-options"),
        ({"foo": 1}, "foo"),
        ({"host": "tcp://x"}, "host"),
    ],
)
def test_a_wrong_value_is_refused_with_file_table_and_key(
    table: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidRunSettings) as raised:
        merge_runtime(table=table)
    assert f"pyproject.toml: [tool.keynet.runtime] {place}" in raised.value.message
    assert raised.value.exit_status == 2
    assert raised.value.hint


@table(
    ("variable", "value"),
    [("CPUS", "-1"), ("MEMORY", "12XB"), ("READ_ONLY", "x"), ("TIMEOUT", "-3"), ("FOO", "1")],
)
def test_a_wrong_variable_is_refused_with_its_name(variable: str, value: str) -> None:
    with pytest.raises(InvalidRunSettings, match=f"KEYNET_RUNTIME_{variable}"):
        merge_runtime(environment={f"KEYNET_RUNTIME_{variable}": value})


def test_an_empty_variable_counts_as_not_set() -> None:
    assert merge_runtime(environment={"KEYNET_RUNTIME_CPUS": " "}) == RuntimeSettings()


def test_variables_of_a_kubernetes_service_are_not_settings() -> None:
    names = ("SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR")
    variables = {f"KEYNET_RUNTIME_{name}": "10.0.0.1" for name in names}
    assert merge_runtime(environment=variables) == RuntimeSettings()


def test_two_spellings_of_one_setting_are_refused() -> None:
    with pytest.raises(InvalidRunSettings, match="same setting"):
        merge_runtime(table={"cpus": 1, "cpu-limit": 2})


@table(
    "table",
    [
        {"privileged": True},
        {"privileged": "true"},
        {"network": "host"},
        {"network": "bridge"},
        {"network": "shop_default"},
        {"network": "container"},
        {"security-options": ["seccomp=unconfined"]},
        {"security-options": ["no-new-privileges=false"]},
        {"security-options": ["no-new-privileges:false"]},
        {"security-options": []},
        {"security-options": ["no-new-privileges", "label=disable"]},
    ],
)
def test_a_repository_cannot_weaken_what_separates_a_container(table: dict[str, Any]) -> None:
    with pytest.raises(InvalidRunSettings) as raised:
        merge_runtime(table=table)
    assert "pyproject.toml: [tool.keynet.runtime]" in raised.value.message
    assert "KEYNET_RUNTIME_" in raised.value.hint


@table(
    "table",
    [
        {"privileged": False},
        {"network": "none"},
        {"network": "keynet-vision"},
        {"security-options": ["no-new-privileges"]},
        {"read-only": False},
    ],
)
def test_a_repository_may_choose_the_rest(table: dict[str, Any]) -> None:
    assert merge_runtime(table=table).sources


@pytest.mark.parametrize("own", [True, False])
def test_the_users_own_answer_counts_before_the_repositorys(own: bool) -> None:
    for found in (
        merge_runtime({"privileged": own}, {}, {"privileged": True}),
        merge_runtime({}, {"KEYNET_RUNTIME_PRIVILEGED": str(own)}, {"privileged": True}),
    ):
        assert found.limits.privileged is own


def test_what_the_user_has_saved_is_never_widened_by_a_repository() -> None:
    with pytest.raises(InvalidRunSettings, match="privileged"):
        merge_runtime(table={"privileged": True}, saved={"privileged": False})


@table("table", [1, "x", [1], True])
def test_a_table_that_is_none_is_refused_with_its_place(table: Any) -> None:
    with pytest.raises(InvalidRunSettings, match=r"tool\.keynet\.runtime\] is not a table"):
        merge_runtime(table=table)
    with pytest.raises(InvalidRunSettings, match="config file: runtime is not a table"):
        merge_runtime(saved=table)
