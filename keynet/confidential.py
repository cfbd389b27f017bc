"""Names and values that look like secrets, which must not travel into an image."""

import re
from typing import Final

__all__ = ["is_suspicious_name", "is_suspicious_path", "is_suspicious_value"]

_FILE_NAMES: Final = frozenset(
    {
        ".netrc",
        "_netrc",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
        ".pgpass",
        ".my.cnf",
        ".htpasswd",
        ".vault-token",
        ".s3cfg",
        ".boto",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "kaggle.json",
        "kubeconfig",
        "credentials.json",
        "client_secret.json",
        "application_default_credentials.json",
        "service-account.json",
        "service_account.json",
        "secrets.toml",
        "secrets.yaml",
        "secrets.yml",
        "secrets.json",
    }
)
_PATH_ENDS: Final = (
    "/.aws/credentials",
    "/.docker/config.json",
    "/.kube/config",
    "/.azure/accesstokens.json",
    "/.config/gcloud/credentials.db",
    "/.huggingface/token",
    "/huggingface/token",
    "/.config/keynet/config.json",
)
_SUFFIXES: Final = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
_PUBLIC_PEM: Final = re.compile(
    r"(?:^|[._-])(?:ca|cacert|cert|certs|chain|bundle|public)(?:[._-]|$)"
)
# Templates that projects keep in their repositories on purpose.
_DOTENV_TEMPLATE: Final = re.compile(r"\.(?:example|sample|template|dist|defaults?)$")

_NAME_WORDS: Final = re.compile(
    r"(?:^|_)(?:"
    r"passw(?:or)?d|passphrase|passwd|pwd|secrets?|tokens?|credentials?|private_?key|api_?key|apikey|"
    r"access_?key|secret_?key|signing_?key|encryption_?key|jwt|pat|netrc"
    r")(?:_|$)"
)
_VALUE: Final = re.compile(
    r"(?:"
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|"
    r"hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|pypi-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{30,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|[A-Za-z][A-Za-z0-9+.-]*://[^/@:\s]*:[^/@\s]+@"
    r")"
)


def is_suspicious_path(path: str) -> bool:
    """Tell by its name whether a file of the context is likely a key, token or credential."""
    lowered = path.lower()
    name = lowered.rpartition("/")[2]
    if name in _FILE_NAMES:
        return True
    if name == ".env" or name.startswith(".env.") or name.endswith(".env"):
        return not _DOTENV_TEMPLATE.search(name)
    if name.endswith(_SUFFIXES):
        return not _PUBLIC_PEM.search(name)
    return f"/{lowered}".endswith(_PATH_ENDS)


def is_suspicious_name(name: str) -> bool:
    """Tell whether a variable of this name is likely to hold a secret: ``HF_TOKEN``, ``apiKey``."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(".", "_")
    return _NAME_WORDS.search(snake) is not None


def is_suspicious_value(value: str) -> bool:
    """Tell whether a value has the form of a well-known token, key or URL with a password."""
    return _VALUE.search(value) is not None
