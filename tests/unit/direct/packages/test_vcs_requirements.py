"""Requirements on version control are found and named without asking it."""

from keynet.direct.packages.vcs_requirements import from_version_control
from tests.tables import table

FOUND = {
    "six @ git+https://example.org/six.git": "six",
    "six@git+ssh://git@example.org/benjamin/six@1.16": "six",
    "  torch-thing[gpu, extra] @ hg+https://example.org/x ; python_version > '3'": "torch-thing",
    "git+https://example.org/people/tool.git@v1#subdirectory=python": "tool",
    "git+https://example.org/people/tool.git#egg=named&subdirectory=x": "named",
    "-e git+https://example.org/tool/": "tool",
    "--editable=svn+https://example.org/svn/tool/trunk#egg=tool": "tool",
    "bzr+lp:tool": "lp:tool",
}


@table("line", FOUND)
def test_a_requirement_on_version_control_is_named(line: str) -> None:
    assert from_version_control([f"numpy==2.0\n{line}\n", f"{line}\n"]) == [FOUND[line]]


@table(
    "line",
    [
        "six==1.16.0",
        "six @ https://example.org/git+/six-1.16.0-py3-none-any.whl",
        "# git+https://example.org/six.git",
        "--find-links https://example.org/git+x",
        "git-plus==1.0",
        "./git+https",
        "",
    ],
)
def test_any_other_line_is_not(line: str) -> None:
    assert from_version_control([line]) == []


def test_a_long_line_is_read_in_linear_time() -> None:
    assert from_version_control(["a" * 200_000 + " @ " * 50_000]) == []
