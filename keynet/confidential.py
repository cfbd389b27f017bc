"""Recognise secrets by name and value, before they leave this machine.

One table for build arguments, which stay readable in an image's history, defaults of a training
script, which are sent to the platform, and files of a build context.
"""

import re
from typing import Final, Literal

__all__ = [
    "Use",
    "is_suspicious",
    "is_suspicious_name",
    "is_suspicious_path",
    "is_suspicious_value",
    "mentions_secret",
]

Use = Literal["variable", "argument"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


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
        ".dockercfg",
        ".dockerconfigjson",
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
    "/.cargo/credentials.toml",
    "/.config/gcloud/credentials.db",
    "/.config/gh/hosts.yml",
    "/.huggingface/token",
    "/huggingface/token",
    "/.config/keynet/config.json",
)
_SUFFIXES: Final = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
_PUBLIC_PEM: Final = r"(?:^|[._-])(?:ca|cacert|cert|certs|chain|bundle|public)(?:[._-]|$)"
# Templates that projects keep in their repositories on purpose.
_DOTENV_TEMPLATE: Final = r"\.(?:example|sample|template|dist|defaults?)$"

# Parts of a name of a secret, wherever they stand; "_key" counts as "key".
_ANYWHERE: Final = (
    "password", "passwd", "passphrase", "secret", "credential", "auth_config", "dockerconfigjson",
    "accesskey", "apikey", "authkey", "encryptionkey", "privatekey", "signingkey", "wandbkey",
)  # fmt: skip
# Whose key, token or pass is a secret; others have a sort_key, a pad_token or a forward_pass.
_OWNERS: Final = _set(
    "access account admin anthropic api app auth aws azure bearer bot clearml cohere comet dagshub "
    "databricks deploy discord docker encryption gcp gemini git github gitlab google groq harbor "
    "hf hub huggingface jwt kaggle license login master mistral mlflow modelscope neptune ngc npm "
    "nvidia oauth openai openrouter pinecone private pypi registry replicate roboflow secret "
    "service signing slack ssh subscription telegram vault wandb"
)
_OWNERS_OF: Final = {
    "key": _OWNERS,
    "token": _OWNERS | _set("job personal refresh security session"),
    "pass": _OWNERS
    | _set("database db email ftp mail mongo mysql pg postgres redis root smtp user"),
    "pat": _set("github gitlab"),
    "string": _set("connection"),
}
_ALONE: Final = _set("authorization bearer jwt token")
# ``--token-file`` holds a path and ``--api-key-env`` a variable's name.
_ABOUT: Final = (
    "file", "path", "dir", "env", "var", "name", "url", "id", "length", "len", "num", "type",
    "class", "version", "count", "size", "ttl", "timeout", "format",
)  # fmt: skip

# Environment variables configure programs more often than models, so one word is enough.
_WORDS: Final = _set("authorization bearer jwt netrc pat token tokens")
_LAST_WORDS: Final = _set("auth key pass")
_HARMLESS_BEFORE: Final = {
    "token": _set(
        "additional audio begin bos cls context eos end extra first image input last mask max "
        "min n new next num output pad sep special start stop text total unk video"
    ),
    "key": _set(
        "answer attention audio batch bucket cache caption column config data dict feature "
        "foreign group hash image index input item join label lookup map metric monitor num "
        "object output partition primary prompt public query question sample shard sort split "
        "state tag target text unique value"
    ),
    "pass": _set("backward dry first forward multi n num one second single two"),
}
# MAX_TOKENS=4096 and USE_TOKEN=true hold no secret.
_SWITCHES: Final = frozenset({"", "0", "1", "true", "false", "yes", "no", "on", "off"})
_NUMBER: Final = r"[0-9.]{1,12}"
_PLACEHOLDER: Final = r"(?i)|none|null|auto|default|true|false|<.*>|\$.*|y?our[-_ ].*|x+|\.+"

# A part that every value of a form contains, and the form. Compiling all forms would take longer
# than reading a script, so a form is only compiled where its part is found.
_FORMS: Final = (
    # OpenAI, Anthropic and others; not sk-learn-random-forest.
    (
        "sk-",
        r"sk-(?!learn)(?:(?:ant|or|proj|svcacct)-)?"
        r"(?:[A-Za-z0-9]{16,}|(?=[\w-]{0,80}\d)[\w-]{16,})",
    ),
    ("gh", r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"),
    ("gl", r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|agent|oas|imt|ffct)-[\w-]{16,}"),
    ("hf_", r"hf_[A-Za-z0-9]{16,}"),
    ("api_org_", r"api_org_[A-Za-z0-9]{16,}"),
    ("npm_", r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-", r"pypi-(?:[A-Za-z0-9]{20,}|(?=[\w-]{0,80}[A-Z])[\w-]{20,})"),
    ("xox", r"xox[abeprs]-[\w-]{10,}"),
    ("xapp-", r"xapp-[\w-]{10,}"),
    ("hooks.slack.com", r"hooks\.slack\.com/services/\w+/\w+/\w+"),
    # Amazon, Google.
    ("AKIA", r"AKIA[0-9A-Z]{12,}"),
    ("ASIA", r"ASIA[0-9A-Z]{12,}"),
    ("AIza", r"AIza[\w-]{30,}"),
    ("ya29.", r"ya29\.[\w-]{20,}"),
    ("GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    # JSON Web Tokens.
    ("eyJ", r"eyJ[\w-]{8,}\.[\w-]{4,}|eyJ[\w-]{30,}"),
    # Replicate, Docker Hub, NVIDIA, Groq, Vault, Databricks, SendGrid, Stripe, age, Azure.
    ("r8_", r"r8_[A-Za-z0-9]{20,}"),
    ("dckr_", r"dckr_(?:pat|oat)_[\w-]{16,}"),
    ("nvapi-", r"nvapi-[\w-]{20,}"),
    ("gsk_", r"gsk_[A-Za-z0-9]{20,}"),
    ("hv", r"hv[sbr]\.[\w-]{20,}"),
    ("dapi", r"dapi[0-9a-f]{32}"),
    ("SG.", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("k_live_", r"[rs]k_live_[A-Za-z0-9]{16,}"),
    ("AGE-SECRET", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    ("Key=", r"(?:AccountKey|SharedAccessKey)=[\w+/]{20,}"),
    ("earer", r"[Bb]earer\s+(?:(?=[\w.~+/-]{0,80}\d)[\w.~+/-]{8,}|[\w.~+/-]{24,})"),
)
_FORMS_ANYWHERE: Final = (
    ("PRIVATE KEY", r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    # Passwords and tokens in a URL.
    ("://", r"://[^/\s:@]*:[^/\s@]+@"),
    ("=", r"[?&](?:access_token|api_?key|auth|password|private_token|sig|token)=[^&\s]{6,}"),
)
_HEADER: Final = r"(?i)(?:(?:proxy-)?authorization:\s*\S+|bearer)\s+\S+"
# Brackets and other scripts end a value: "(token:1.3)" is a weight, whatever follows.
_PART: Final = r"[!#-&*+\-./0-:=?-Z\\^-z|~]"
_STATING: Final = ("passw", "passphrase", "token", "api", "secret")
_STATED: Final = (
    r"(?i)(?:password|passwd|passphrase|token|api[ _-]?key|secret)\w{0,60}"
    r"\s{0,20}(?:is|:|=)\s{0,20}['\"]?"
    rf"(?={_PART}{{0,200}}\d)(?={_PART}{{0,200}}[A-Za-z]){_PART}{{8}}"
)


def is_suspicious_path(path: str) -> bool:
    """Report whether a file of this name is likely to hold a key, token or credential."""
    lowered = path.lower()
    name = lowered.rpartition("/")[2]
    if name in _FILE_NAMES:
        return True
    if name == ".env" or name.startswith(".env.") or name.endswith(".env"):
        return not re.search(_DOTENV_TEMPLATE, name)
    if name.endswith(_SUFFIXES):
        return not re.search(_PUBLIC_PEM, name)
    return f"/{lowered}".endswith(_PATH_ENDS)


def is_suspicious_name(name: str, use: Use) -> bool:
    """Report whether something of this name is likely to hold a secret.

    Args:
        use: ``"variable"`` for environment variables, build arguments and keys of a
            configuration (``HF_TOKEN``, ``APP_KEY``); ``"argument"`` for hyperparameters, where
            ``sort_key`` and ``pad_token`` are ordinary names. What is suspicious as an argument
            is so as a variable.
    """
    words = _words(name)
    if use == "argument":
        return _names_secret(words) and not _is_about(words)
    return _names_secret(words) or _has_secret_word(words)


def is_suspicious_value(value: str) -> bool:
    """Report whether a value has a form of token, key, or URL with a password."""
    return _has_form(value) or bool(re.fullmatch(_HEADER, value.strip()))


def is_suspicious(name: str, value: str, use: Use) -> bool:
    """Report whether a name and its value together look like a secret.

    A value of a known form does under any name. Otherwise the name decides, except for empty
    values, switches, placeholders, and short numbers of variables (``MAX_TOKENS=4096``).

    Args:
        use: As for ``is_suspicious_name``.
    """
    if is_suspicious_value(value):
        return True
    if not is_suspicious_name(name, use):
        return False
    stripped = value.strip()
    if use == "argument":
        return not re.fullmatch(_PLACEHOLDER, stripped)
    if re.fullmatch(_NUMBER, stripped) and not is_suspicious_name(name, "argument"):
        return False
    return stripped.lower() not in _SWITCHES


def mentions_secret(text: str) -> bool:
    """Report whether a text for people holds what looks like a secret."""
    if _has_form(text):
        return True
    folded = text.casefold()
    # Most texts have none of these words, and looking for them is quicker than the expression.
    return any(word in folded for word in _STATING) and bool(re.search(_STATED, text))


def _has_form(text: str) -> bool:
    # Loops: each of a script's texts comes by here, and a generator takes as long as its tests.
    for part, form in _FORMS:
        if part in text and re.search(rf"(?<![A-Za-z0-9])(?:{form})", text):
            return True
    for part, form in _FORMS_ANYWHERE:  # noqa: SIM110
        if part in text and re.search(form, text):
            return True
    return False


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub("[-. ]", "_", parted).lower().split("_")


def _names_secret(words: list[str]) -> bool:
    """Report whether the name means a secret, also as a hyperparameter."""
    name, last = "_".join(words), words[-1]
    if "pwd" in words or any(part in name.replace("_key", "key") for part in _ANYWHERE):
        return True
    before = words[-2] if len(words) > 1 else ""
    for kind, owners in _OWNERS_OF.items():
        stem = last.removesuffix("s") if kind == "token" else last
        # HF_TOKEN and HFTOKEN.
        if stem.endswith(kind) and (stem.removesuffix(kind) or before) in owners:
            return True
    return name in _ALONE


def _is_about(words: list[str]) -> bool:
    return words[-1].endswith(_ABOUT)


def _has_secret_word(words: list[str]) -> bool:
    """Report whether a variable's name has a word for a secret, other than in ML's sense."""
    before = ["", *words]
    if words[-1] in _LAST_WORDS and not _is_harmless(before[-2], words[-1]):
        return True
    return any(
        word in _WORDS and not _is_harmless(previous, word.removesuffix("s"))
        for previous, word in zip(before, words, strict=False)
    )


def _is_harmless(before: str, word: str) -> bool:
    return before in _HARMLESS_BEFORE.get(word, ())
