"""Which source wins, what a context may not decide, and who gets which credentials."""

import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keynet.errors import NotAuthorised, UsageError
from keynet.saved_login import HarborAccount, SavedLogin, SavedProject
from keynet.secret import Secret
from keynet.settings import Settings, decided_by_pyproject, merge, read_pyproject
from tests.tables import table

SERVER = "https://api.example.com/app"
NOW = datetime(2025, 11, 4, 9, tzinfo=UTC)
SAVED = SavedLogin(
    server_url=SERVER,
    username="user@example.com",
    api_token=Secret("saved-token-0123456789"),
    api_token_expires_at=NOW + timedelta(hours=1),
    harbor=HarborAccount("https://harbor.example.com", "robot$1", Secret("saved-password")),
    project=SavedProject(12, "객체 탐지 모델", SERVER),
    ca_cert=Path("/ca.pem"),
)
ENVIRONMENT = {
    "KEYNET_SERVER_URL": "https://ci.example.com",
    "KEYNET_API_TOKEN": "ci-token",
    "KEYNET_HARBOR_URL": "https://registry.example.com:8443",
    "KEYNET_HARBOR_USERNAME": "robot$ci",
    "KEYNET_HARBOR_PASSWORD": "ci-password",
    "KEYNET_PROJECT_ID": "7",
    "KEYNET_BUILDER": "buildah",
    "KEYNET_CA_CERT": "/ci.pem",
}


def access(settings: Settings) -> tuple[str, str]:
    backend = settings.backend_access(NOW, config_path=Path("/c.json"))
    return backend.server_url, backend.token.reveal()


def test_the_saved_login_is_used_without_other_settings() -> None:
    settings = merge({}, {}, {}, SAVED)
    assert access(settings) == (SERVER, "saved-token-0123456789")
    registry = settings.registry_access()
    assert (registry.host, registry.username) == ("harbor.example.com", "robot$1")
    assert registry.password == Secret("saved-password")
    assert registry.ca_cert == Path("/ca.pem")
    assert not registry.insecure
    assert (settings.project_id, settings.project_title) == (12, "객체 탐지 모델")


@pytest.mark.parametrize("saved", [None, SAVED])
def test_the_environment_alone_is_enough(saved: SavedLogin | None) -> None:
    settings = merge({}, ENVIRONMENT, {}, saved)
    assert access(settings) == ("https://ci.example.com", "ci-token")
    registry = settings.registry_access()
    assert (registry.host, registry.username) == ("registry.example.com:8443", "robot$ci")
    assert registry.password == Secret("ci-password")
    assert settings.builder == "buildah"
    assert (settings.project_id, settings.project_title) == (7, "")
    assert settings.ca_cert == Path("/ci.pem")


def test_flag_beats_variable_beats_pyproject_beats_file() -> None:
    table = {"project": 3, "builder": "docker", "model-name": "from-table"}
    variables = {"KEYNET_PROJECT_ID": "2"}
    assert merge({}, {}, {}, SAVED).project_id == 12
    assert merge({}, {}, table, SAVED).project_id == 3
    assert merge({}, variables, table, SAVED).project_id == 2
    assert merge({"project_id": 1}, variables, table, SAVED).project_id == 1
    assert merge({"project_id": None}, variables, table, SAVED).project_id == 2
    assert merge({"builder": "podman"}, {}, table, None).builder == "podman"
    assert merge({}, {}, table, None).model_name == "from-table"


def test_token_hosts_come_from_flag_variable_and_login() -> None:
    saved = replace(SAVED, token_hosts=("git.example.com",))
    variables = {"KEYNET_TOKEN_HOSTS": " a.test,b.test:8443  c.test "}
    assert merge({}, {}, {}, saved).token_hosts == ("git.example.com",)
    assert merge({}, variables, {}, saved).token_hosts == ("a.test", "b.test:8443", "c.test")
    flags = {"token_hosts": ("d.test",)}
    assert merge(flags, variables, {}, saved).token_hosts == ("d.test",)
    assert merge({"token_hosts": ()}, {}, {}, saved).token_hosts == ("git.example.com",)


def test_the_platform_may_exchange_its_registrys_password_for_tokens() -> None:
    assert merge({}, {}, {}, SAVED).registry_access().token_hosts == ("api.example.com:443",)
    declared = merge({"token_hosts": ("git.test",)}, ENVIRONMENT, {}, None).registry_access()
    assert declared.token_hosts == ("git.test", "ci.example.com:443")


def test_a_platform_that_a_context_names_is_no_token_server() -> None:
    variables = {name: text for name, text in ENVIRONMENT.items() if "HARBOR" in name}
    table = {"server-url": "https://evil.example.com"}
    assert merge({}, variables, table, None).registry_access().token_hosts == ()


def test_an_empty_variable_is_not_set() -> None:
    assert merge({}, {"KEYNET_BUILDER": "", "KEYNET_PROJECT_ID": " "}, {}, SAVED).project_id == 12


def test_zero_is_a_project() -> None:
    assert merge({"project_id": 0}, {}, {}, SAVED).project_id == 0


@table(
    ("flags", "variables", "table", "source"),
    [
        ({"project_id": "x"}, {}, {}, "--project"),
        ({}, {"KEYNET_PROJECT_ID": "x"}, {}, "KEYNET_PROJECT_ID"),
        ({}, {"KEYNET_BUILDER": "kaniko"}, {}, "KEYNET_BUILDER"),
        ({}, {}, {"builder": 3}, r"\[tool.keynet\] builder"),
        ({}, {}, {"labels": ["a"]}, r"\[tool.keynet\] labels"),
        ({}, {}, {"labels": {"a": 1}}, r"\[tool.keynet\] labels"),
    ],
)
def test_a_wrong_value_is_reported_with_its_source(
    flags: dict[str, Any], variables: dict[str, str], table: dict[str, Any], source: str
) -> None:
    with pytest.raises(UsageError, match=source):
        merge(flags, variables, table, SAVED)


def test_an_unknown_key_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="bulider") as caught:
        merge({}, {}, {"bulider": "docker"}, None)
    assert "builder" in caught.value.hint


@table("key", ["api-token", "api_token", "harbor-password", "ca-cert", "token-hosts", "token_host"])
def test_a_context_sets_no_secret_and_no_trust(key: str) -> None:
    with pytest.raises(UsageError, match="must not set") as caught:
        merge({}, {}, {key: "hunter2"}, None)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("key", ["server-url", "harbor-url"])
def test_a_context_cannot_send_saved_credentials_to_another_server(key: str) -> None:
    with pytest.raises(UsageError, match=r"evil\.example\.com"):
        merge({}, {}, {key: "https://evil.example.com"}, SAVED)


@pytest.mark.parametrize(
    ("key", "variable"),
    [("server-url", "KEYNET_API_TOKEN"), ("harbor-url", "KEYNET_HARBOR_PASSWORD")],
)
def test_a_context_cannot_send_a_variables_secret_to_another_server(
    key: str, variable: str
) -> None:
    with pytest.raises(UsageError, match=r"evil\.example\.com"):
        merge({}, {variable: "token"}, {key: "https://evil.example.com"}, None)


@pytest.mark.parametrize("written", [SERVER, SERVER + "/", "HTTPS://API.example.com:443/app"])
def test_a_context_may_name_the_server_of_the_login(written: str) -> None:
    assert access(merge({}, {}, {"server-url": written}, SAVED))[1] == "saved-token-0123456789"


def test_a_context_may_name_what_a_variable_overrides() -> None:
    table = {"server-url": "https://evil.example.com"}
    settings = merge({}, ENVIRONMENT, table, SAVED)
    assert access(settings) == ("https://ci.example.com", "ci-token")


@table(
    "server",
    [
        "https://other.example.com",
        "https://api.example.com",
        "https://api.example.com:8443/app",
        "http://api.example.com/app",
        "https://api.example.com.evil.com/app",
        "https://api.example.com/application",
        "https://x@api.example.com/app",
    ],
)
def test_a_saved_token_goes_to_its_own_server_only(server: str) -> None:
    settings = merge({}, {"KEYNET_SERVER_URL": server}, {}, SAVED)
    assert settings.api_token is None
    assert settings.harbor_password is None
    assert settings.project_id is None
    with pytest.raises(NotAuthorised) as caught:
        settings.backend_access(NOW, config_path=Path("/c.json"))
    assert server in caught.value.hint
    assert "KEYNET_API_TOKEN" in caught.value.hint


def test_a_saved_password_goes_to_its_own_registry_and_user_only() -> None:
    for variable, value in (
        ("KEYNET_HARBOR_URL", "https://harbor2.example.com"),
        ("KEYNET_HARBOR_USERNAME", "robot$2"),
    ):
        settings = merge({}, {variable: value}, {}, SAVED)
        assert settings.harbor_password is None
        with pytest.raises(NotAuthorised, match="KEYNET_HARBOR"):
            settings.registry_access()


def test_a_token_of_the_environment_does_not_expire_with_the_saved_one() -> None:
    settings = merge({}, {"KEYNET_API_TOKEN": "fresh"}, {}, SAVED)
    late = NOW + timedelta(days=1)
    assert settings.backend_access(late, config_path=Path("/c")).token == Secret("fresh")


@pytest.mark.parametrize("after", [timedelta(hours=1), timedelta(days=1)])
def test_an_expired_token_is_an_error(after: timedelta) -> None:
    with pytest.raises(NotAuthorised, match="expired") as caught:
        merge({}, {}, {}, SAVED).backend_access(NOW + after, config_path=Path("/c.json"))
    assert f"keynet login {SERVER}" in caught.value.hint


def test_the_error_without_a_login_names_command_and_file() -> None:
    with pytest.raises(NotAuthorised) as caught:
        merge({}, {}, {}, None).backend_access(config_path=Path("/home/a/c.json"))
    assert "keynet login https://api.example.com" in caught.value.hint
    assert "/home/a/c.json" in caught.value.hint


def test_a_project_of_another_server_is_ignored() -> None:
    other = SavedProject(12, "t", "https://other.example.com")
    saved = SavedLogin(server_url=SERVER, api_token=Secret("t"), project=other)
    assert merge({}, {}, {}, saved).project_id is None


@table(
    ("url", "host", "insecure"),
    [
        ("https://harbor.example.com", "harbor.example.com", False),
        ("https://harbor.example.com/", "harbor.example.com", False),
        ("harbor.example.com:8443", "harbor.example.com:8443", False),
        ("http://127.0.0.1:5000", "127.0.0.1:5000", True),
        ("http://localhost:5000", "localhost:5000", True),
        ("http://[::1]:5000", "[::1]:5000", True),
    ],
)
def test_the_registrys_host_has_no_scheme(url: str, host: str, insecure: bool) -> None:
    registry = merge({}, ENVIRONMENT | {"KEYNET_HARBOR_URL": url}, {}, None).registry_access()
    assert (registry.host, registry.insecure) == (host, insecure)


@table(
    "url",
    [
        "http://harbor.example.com",
        "http://127.0.0.1.evil.com",
        "ftp://harbor.example.com",
        "https://user:pw@harbor.example.com",
        "https://",
        "https://har bor.example.com",
        "https://harbor.example.com:x",
        "https://[",
    ],
)
def test_an_invalid_registry_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        merge({}, ENVIRONMENT | {"KEYNET_HARBOR_URL": url}, {}, None).registry_access()


def test_plain_http_to_a_remote_registry_needs_the_logins_consent() -> None:
    harbor = HarborAccount("http://harbor.example.com", "robot$1", Secret("p"))
    saved = SavedLogin(server_url=SERVER, harbor=harbor, insecure=True)
    assert merge({}, {}, {}, saved).registry_access().insecure


def test_nothing_shows_a_secret() -> None:
    settings = merge({}, ENVIRONMENT, {}, SAVED)
    assert "ci-token" not in repr(settings)
    assert "ci-password" not in repr(settings)
    with pytest.raises(UsageError) as caught:
        merge({"project_id": "x"}, ENVIRONMENT, {}, SAVED)
    assert "ci-token" not in "".join(traceback.format_exception(caught.value))


def test_a_context_without_pyproject_sets_nothing(tmp_path: Path) -> None:
    assert read_pyproject(tmp_path) == {}
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert read_pyproject(tmp_path) == {}
    assert read_pyproject(tmp_path / "pyproject.toml") == {}


def test_the_table_of_a_pyproject_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.keynet]\nmodel-name = "모델"\nproject = 3\n')
    settings = merge({}, {}, read_pyproject(tmp_path), None)
    assert (settings.model_name, settings.project_id) == ("모델", 3)


@table("content", [b"[", b"\xff", b"[tool]\nkeynet = 3\n", b"x=" + b"[" * 9999])
def test_a_pyproject_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        read_pyproject(tmp_path)


def test_the_platform_is_a_setting_like_the_others() -> None:
    environment = {"KEYNET_PLATFORM": "linux/arm64"}
    table = {"platform": "linux/s390x"}
    assert merge({}, environment, table, None).platform == "linux/arm64"
    assert merge({"platform": "linux/amd64"}, environment, table, None).platform == "linux/amd64"
    assert merge({}, {}, table, None).platform == "linux/s390x"


@table(
    ("flags", "table", "named"),
    [
        ({"base_image": "a", "dockerfile": Path("D")}, {}, ("--base-image", "--dockerfile")),
        ({"base_image": "a"}, {"dockerfile": "D"}, ("--base-image", "[tool.keynet] dockerfile")),
        ({"dockerfile": Path("D")}, {"base-image": "a"}, ("--dockerfile", "base-image")),
        ({}, {"dockerfile": "D", "base-image": "a"}, ("dockerfile", "base-image")),
    ],
)
def test_two_sources_of_the_base_image_are_refused(
    flags: dict[str, Any], table: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        merge(flags, {}, table, None)
    assert all(name in caught.value.message for name in named)


@table(
    ("flags", "table", "named"),
    [
        ({"harbor_project": ""}, {}, "--harbor-project is empty"),
        ({"base_image": " "}, {}, "--base-image is empty"),
        ({"platform": ""}, {}, "--platform is empty"),
        ({}, {"model-name": ""}, "model-name is empty"),
        ({}, {"harbor-project": ""}, "harbor-project is empty"),
    ],
)
def test_an_empty_value_is_not_the_default(
    flags: dict[str, Any], table: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        merge(flags, {}, table, None)


def test_a_pyproject_that_leads_out_of_the_context_is_not_read(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (tmp_path / "secret").write_text("password = hunter2")
    (context / "pyproject.toml").symlink_to("../secret")
    with pytest.raises(UsageError, match="leads out of the folder") as caught:
        read_pyproject(context)
    assert "hunter2" not in str(caught.value)
    (context / "own.toml").write_text('[tool.keynet]\nbuilder = "docker"\n')
    (context / "pyproject.toml").unlink()
    (context / "pyproject.toml").symlink_to("own.toml")
    assert read_pyproject(context) == {"builder": "docker"}


def test_what_the_project_decides_is_known(tmp_path: Path) -> None:
    table = {"dockerfile": "File", "builder": "podman", "base-image": "a"}
    decided = decided_by_pyproject(
        {"base_image": "b", "model_name": None}, {"KEYNET_BUILDER": "docker"}, table
    )
    assert decided == {"dockerfile"}


def test_a_token_host_that_is_none_is_refused_before_anything_is_built() -> None:
    with pytest.raises(UsageError, match=r"git\.test/jwt") as caught:
        merge({}, {"KEYNET_TOKEN_HOSTS": "git.test/jwt"}, {}, None)
    assert "KEYNET_TOKEN_HOSTS" in caught.value.hint
