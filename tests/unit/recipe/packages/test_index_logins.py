"""Which logins of a netrc file go into a build."""

from pathlib import Path

from keynet.plan import Dependencies
from keynet.recipe.packages import index_logins
from tests.tables import table

NETRC = """\
machine index.example.com login me password s3cret
machine other.example.com login other password not-asked
machine 127.0.0.1 login local password here
machine quoted.example.com login me password "two words"
machine nobody.example.com password alone
default login everybody password everywhere
"""


OWN = ("https://index.example.com", "https://index.example.com:8443")


def chosen(
    tmp_path: Path, text: str, name: str = "requirements.txt", own: tuple[str, ...] = OWN
) -> str:
    """Return the file that a build with these dependencies gets."""
    (tmp_path / ".netrc").write_text(NETRC)
    (tmp_path / ".netrc").chmod(0o600)
    logins = index_logins.read({}, tmp_path)
    dependencies = Dependencies(files={name: text.encode(), "wheels/x.whl": tmp_path})
    found = index_logins.for_dependencies(logins, dependencies, own)
    return found.reveal() if found else ""


ONE = "machine index.example.com login me password s3cret\n"


@table(
    "text",
    [
        "--index-url https://index.example.com/simple\nsix\n",
        "--extra-index-url=https://INDEX.example.com:8443/simple\n",
        "six @ https://index.example.com/six-1.0-py3-none-any.whl\n",
        '[[tool.uv.index]]\nurl = "https://index.example.com"\n',
        "-f 'https://index.example.com/wheels'\n-f https://stranger.example.com/x\n",
        "six\n# no http://other.example.com\n-f https://index.example.com\n",
    ],
)
def test_the_users_own_index_gets_its_login_alone(tmp_path: Path, text: str) -> None:
    assert chosen(tmp_path, text) == ONE
    assert chosen(tmp_path, text, "pinned/pyproject.toml") == ONE


@table(
    "text",
    [
        "six\n",
        "-f https://stranger.example.com/index.example.com\n",
        "-f https://index.example.com.stranger.example.com/\n",
        "-f https://stranger.example.com?https:/index.example.com\n",
        "-f https://nobody.example.com https://quoted.example.com\n",
        "-f https://[index.example.com/\n",
        "-f https://index.example.com@stranger.example.com/\n",
        "-f https://other.example.com/simple\n",
        "other @ https://other.example.com/other-1.0-py3-none-any.whl\n",
        '[[tool.uv.index]]\nurl = "https://other.example.com"\n',
        "-i http://127.0.0.1:80/simple\n",
    ],
)
def test_no_other_host_gets_one(tmp_path: Path, text: str) -> None:
    assert chosen(tmp_path, text) == ""


def test_a_login_goes_nowhere_else_on_the_host(tmp_path: Path) -> None:
    text = "-i http://index.example.com/simple\n-f https://index.example.com/more\n"
    assert chosen(tmp_path, text) == ""
    assert chosen(tmp_path, "-f https://index.example.com:1234/more\n") == ""
    both = ("http://index.example.com", "https://index.example.com")
    assert chosen(tmp_path, text, own=both) == ONE


def test_without_a_netrc_there_is_none(tmp_path: Path) -> None:
    assert index_logins.read({}, tmp_path) is None
    assert index_logins.for_dependencies(None, Dependencies(), ()) is None
