"""Settings of runs from real files and variables."""

import json
from pathlib import Path

import pytest

import keynet
from keynet.errors import InvalidRunSettings, UsageError
from keynet.settings import merge, read_pyproject
from keynet.steps.running.settings_of_runs import runtime_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config.json"
    monkeypatch.setenv("KEYNET_CONFIG", str(file))
    return file


def write(file: Path, runtime: object) -> None:
    file.write_text(json.dumps({"server_url": "https://a.example", "runtime": runtime}))
    file.chmod(0o600)


def project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_every_source_is_read(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, {"timeout": 60, "cpus": 9})
    monkeypatch.setenv("KEYNET_RUNTIME_MEMORY", "3g")
    folder = project(tmp_path, '[tool.keynet.runtime]\ncpus = 2\nmemory = "1g"\n')
    found = keynet.runtime_settings(folder, {"shell": "/bin/bash"})
    assert (found.timeout_s, found.limits.cpus, found.shell) == (60, 2, "/bin/bash")
    assert found.limits.memory == 3 * 1024**3


def test_without_a_context_no_repository_counts(tmp_path: Path, config: Path) -> None:
    del config
    project(tmp_path, "[tool.keynet.runtime]\ncpus = 2\n")
    assert runtime_settings().limits.cpus == 1.0


def test_the_own_file_may_allow_what_a_repository_may_not(tmp_path: Path, config: Path) -> None:
    write(config, {"privileged": True, "network": "team"})
    found = runtime_settings(tmp_path)
    assert (found.limits.privileged, found.network) == (True, "team")
    project(tmp_path, "[tool.keynet.runtime]\nprivileged = true\n")
    write(config, {})
    with pytest.raises(InvalidRunSettings, match=r"pyproject\.toml"):
        runtime_settings(tmp_path)


def test_a_wrong_value_of_the_own_file_names_it(config: Path) -> None:
    write(config, {"memory": "12XB"})
    with pytest.raises(InvalidRunSettings, match="config file: runtime memory: '12XB'"):
        runtime_settings()
    write(config, [])
    with pytest.raises(InvalidRunSettings, match=r"config\.json: runtime is not an object"):
        runtime_settings()


@pytest.mark.parametrize("value", ["1", '"x"', "[1]", "true"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, config: Path, value: str) -> None:
    del config
    folder = project(tmp_path, f"[tool.keynet]\nruntime = {value}\n")
    with pytest.raises(UsageError, match=r"tool\.keynet\.runtime.* is not a table"):
        runtime_settings(folder)


def test_a_push_ignores_the_table_of_runs(tmp_path: Path) -> None:
    folder = project(tmp_path, "[tool.keynet]\nextras = ['a']\n[tool.keynet.runtime]\ncpus = -1\n")
    assert merge({}, {}, read_pyproject(folder), None).extras == ("a",)


def test_the_error_of_an_unknown_key_knows_the_table() -> None:
    with pytest.raises(UsageError) as raised:
        merge({}, {}, {"run-time": {}}, None)
    assert "runtime" in raised.value.hint
