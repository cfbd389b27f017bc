"""Names, values and files that look like secrets, as variables and as arguments."""

import time

import pytest

from keynet.confidential import (
    Use,
    is_suspicious,
    is_suspicious_name,
    is_suspicious_path,
    is_suspicious_value,
    mentions_secret,
)
from tests.tables import table

TOKENS = [
    "sk-proj-abcdefghijklmnop1234",
    "sk-ant-api03-abcdefghijklmnop1234",
    "sk-abcdefghijklmnopqrstuvwx",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "glpat-abcdefghijklmnop1234",
    "gldt-abcdefghijklmnop1234",
    "hf_abcdefghijklmnopqrstuvwx",
    "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAw",
    "xoxb-1234567890-abcdefghij",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "AIzaSyA-0123456789abcdefghijABCDEFGHIJ0",
    "ya29.a0AfH6SMBx0123456789abcdef",
    "GOCSPX-0123456789abcdefghijABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "r8_0123456789abcdefghijABCDEF",
    "dckr_pat_0123456789abcdefghij",
    "nvapi-0123456789abcdefghijABCDEF",
    "dapi0123456789abcdef0123456789abcdef",
    "hvs.0123456789abcdefghijABCDEF",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "https://user:pass@host/db",
    "redis://:hunter2@cache:6379/0",
    "postgresql+psycopg://me:s3cr3t@db/train",
    "https://example.com/api?access_token=0123456",
    "Bearer abcdef",
    "authorization: Basic dXNlcjpwYXNz",
    "DefaultEndpointsProtocol=https;AccountKey=0123456789abcdefghij/ABCDEF==",
]
HEADERS = {"Bearer", "authorization:"}
ORDINARY = [
    "",
    "bert-base-uncased",
    "sk-learn",
    "sk-learn-random-forest-classifier-100",
    "mask-rcnn-resnet50-fpn-coco2017",
    "disk-0123456789abcdefghij",
    "hf_hub",
    "pypi-mirror-of-the-company",
    "npm_config_registry",
    "s3://bucket/data:v1",
    "git@github.com:me/repo.git",
    "http://localhost:8080/@me",
    "https://user@host/simple",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "bearer",
    "key=value",
    "<pad>",
]


@pytest.mark.slow
@pytest.mark.parametrize("value", TOKENS)
@pytest.mark.parametrize("use", ["variable", "argument"])
def test_a_known_form_is_a_secret_under_any_name(value: str, use: Use) -> None:
    for name in ("CACHE", "model", "max_tokens", ""):
        assert is_suspicious(name, value, use)


@table("value", [value for value in TOKENS if value.partition(" ")[0] not in HEADERS])
def test_a_known_form_is_found_inside_a_value(value: str) -> None:
    assert is_suspicious_value(f"--header={value}")


@table("value", ORDINARY)
def test_an_ordinary_value_is_not_a_secret(value: str) -> None:
    assert not is_suspicious_value(value)
    assert not mentions_secret(value)


BOTH = [
    "password", "PGPASSWORD", "DB_PASS", "db-passwd", "MYSQL_PWD", "passphrase", "ROOT_PASSWORD",
    "redis_pass", "user_pass", "API_KEY", "apiKey", "apikey", "OPENAI_API_KEY", "openai_key",
    "WANDB_KEY", "wandbKey", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "aws.secret.key",
    "SSH_PRIVATE_KEY", "signing-key", "ENCRYPTION_KEY", "ACCOUNT_KEY", "LICENSE_KEY", "token",
    "HF_TOKEN", "hfToken", "HFToken", "hub_token", "GITHUB_TOKEN", "GITLAB_TOKEN", "npmToken",
    "CI_JOB_TOKEN", "refresh_token", "bot-token", "auth_tokens", "GITHUB_PAT", "client_secret",
    "DB_CREDENTIALS", "credential", "DOCKER_AUTH_CONFIG", "dockerconfigjson", "jwt",
    "Authorization", "bearer", "AZURE_STORAGE_CONNECTION_STRING",
]  # fmt: skip
VARIABLES_ONLY = [
    "APP_SIGNATURE_KEY", "DEPLOY_KEY_TOKEN", "MY_KEY", "DJANGO_KEY", "FERNET_KEY", "KEYCLOAK_TOKEN",
    "TOKENS_LIST", "X_TOKEN", "TOKEN_FOR_CI", "SOME_PASS", "JWT_COOKIE", "NETRC", "MY_PAT",
    "REGISTRY_AUTH", "KEY", "PASS", "AWS_ACCESS_KEY_ID", "API_KEY_FILE", "TOKEN_PATH",
]  # fmt: skip
NEITHER = [
    "num_keys", "key_dim", "n_keys", "sort_key", "query_key", "label-key", "partitionKey",
    "PRIMARY_KEY", "PUBLIC_KEY", "CACHE_KEY", "KEYBOARD", "monkey", "TOKENIZER",
    "tokenizer_name", "pad_token", "eosToken", "MASK_TOKEN", "max_tokens", "MAX_NEW_TOKENS",
    "num_input_tokens", "passes", "forward_pass", "NUM_PASS", "bypass", "pass_rate", "compass",
    "patience", "path", "auth_mode", "author", "AWS_REGION", "GITHUB_REPOSITORY", "HF_HOME",
    "learning_rate", "",
]  # fmt: skip


@table("name", BOTH)
def test_a_name_of_a_secret(name: str) -> None:
    assert is_suspicious_name(name, "variable")
    assert is_suspicious_name(name, "argument")


@table("name", VARIABLES_ONLY)
def test_a_word_is_enough_in_a_variable(name: str) -> None:
    assert is_suspicious_name(name, "variable")


@table(
    "name",
    [
        *NEITHER,
        "MY_KEY",
        "X_TOKEN",
        "token_dim",
        "state_key",
        "assistant_token",
        "token-file",
        "api_key_env",
    ],
)
def test_a_name_of_a_hyperparameter_is_ordinary(name: str) -> None:
    assert not is_suspicious_name(name, "argument")


@table("name", NEITHER)
def test_an_ordinary_name_of_a_variable(name: str) -> None:
    assert not is_suspicious_name(name, "variable")


@table(
    ("name", "value", "secret"),
    [
        ("HF_TOKEN", "", False),
        ("USE_TOKEN", "true", False),
        ("USE_PASSWORD", "0", False),
        ("MY_TOKENS", "4096", False),
        ("PASSWORD_LENGTH", "12", False),
        ("DB_PASS", "123456", True),
        ("PGPASSWORD", "none", True),
        ("DB_PASS", "$ecret", True),
        ("HF_TOKEN", "x", True),
    ],
)
def test_switches_and_short_numbers_of_a_variable(name: str, value: str, secret: bool) -> None:
    assert is_suspicious(name, value, "variable") is secret


@table(
    ("name", "value", "secret"),
    [
        ("password", " ", False),
        ("hf_token", "None", False),
        ("api_key", "<your key>", False),
        ("api_key", "your-api-key", False),
        ("api_key", "${API_KEY}", False),
        ("api_key", "xxxx", False),
        ("password", "123456", True),
        ("password", "hunter2", True),
    ],
)
def test_placeholders_of_an_argument(name: str, value: str, secret: bool) -> None:
    assert is_suspicious(name, value, "argument") is secret


@table(
    ("text", "secret"),
    [
        ("the password is abc12345xyz", True),
        ("API key: 'abc12345'", True),
        ("use hf_abcdefghijklmnopqrstuvwx", True),
        ("send Bearer 0123456789ab", True),
        ("Bearer authentication is used", False),
        ("the token is read from a file", False),
        ("number of tokens = 4096", False),
        ("password: ask an administrator", False),
        ("secret key:value pairs, such as password:optional", False),
        ("(token:1.3)」weights-in-captions-are-enabled-here1", False),
        ("토큰 가중치 (token:1.3)처럼적으면됩니다쉼표는쓰지마세요x1", False),
        ("pesos [token:0.8]para-las-palabras-1", False),
        ("вес (token:1.3)вподписи2", False),
        ("token: <your_token_1234567>", False),
        ("(password: abc12345xyz)", True),
        ("(token:abcdef1234567)", True),
    ],
)
def test_texts_for_people(text: str, secret: bool) -> None:
    assert mentions_secret(text) is secret


@table("piece", ["-sk-", "-eyJ-", "Bearer ", "://a:", "-----BEGIN A", "password ", "pypi-", "SG.-"])
def test_a_long_value_costs_little(piece: str) -> None:
    started = time.process_time()
    text = piece * (10_000 // len(piece))
    is_suspicious_value(text)
    mentions_secret(text)
    assert time.process_time() - started < 1


@table(
    "path",
    [
        ".env",
        "conf/.env.production",
        "prod.env",
        "id_ed25519",
        "server.key",
        "tls/key.pem",
        ".aws/credentials",
        "home/.docker/config.json",
        ".netrc",
        "kaggle.json",
        "Credentials.JSON",
        ".dockerconfigjson",
        "root/.config/gh/hosts.yml",
    ],
)
def test_secret_looking_files(path: str) -> None:
    assert is_suspicious_path(path)


@table(
    "path",
    [
        "train.py",
        ".env.example",
        "environment.yml",
        "ca.pem",
        "certs/ca-bundle.pem",
        "id_rsa.pub",
        "docker/config.json",
        "keys.py",
        "tokenizer.json",
    ],
)
def test_ordinary_files(path: str) -> None:
    assert not is_suspicious_path(path)


@pytest.mark.medium
@pytest.mark.parametrize("text", ["password=", "token", "secret ", "api key is "])
def test_a_long_text_is_searched_in_linear_time(text: str) -> None:
    assert not mentions_secret(text * 20_000)
