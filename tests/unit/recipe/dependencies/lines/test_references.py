"""What a requirement refers to: a name, a URL, or a path with extras and a marker."""

from keynet.recipe.dependencies.lines import references
from keynet.recipe.dependencies.lines.references import Local
from tests.tables import table


@table(
    "text",
    ["six", "six==1", "six [a,b] >=1", "six;python_version>'3'", "six @ https://h/six.whl",
     "git+https://h/six.git", "https://h/x.whl", "six@git+https://h/six.git", "a.b-c_d"],
)  # fmt: skip
def test_names_and_urls_are_not_local(text: str) -> None:
    assert references.local(text) is None


@table(
    ("text", "expected"),
    [
        (".", Local(".")),
        ("./a", Local("./a")),
        ("a/b", Local("a/b")),
        ("../a ; python_version > '3'", Local("../a", "", "python_version > '3'")),
        ("./a[x,y];m", Local("./a", "[x,y]", "m")),
        ("x-1.0-py3-none-any.whl", Local("x-1.0-py3-none-any.whl")),
        ("x-1.0.tar.gz ; m", Local("x-1.0.tar.gz", "", "m")),
        ("file:///a/b%20c.whl", Local("/a/b c.whl")),
        ("file:./a#subdirectory=b&egg=c[d]", Local("./a", "[d]", subdirectory="b")),
        ("x[e] @ file:///a/b ; m", Local("/a/b", "[e]", "m", "x")),
        ("x @ file:a", Local("./a", name="x")),
    ],
)
def test_paths_are_read_with_extras_and_markers(text: str, expected: Local) -> None:
    assert references.local(text) == expected


@table(
    "path",
    ["/home/conda/feedstock_root/build_artifacts/six_1/work", "/croot/six_1/work",
     "/tmp/build/80754af9/six_1/work", "/opt/conda/conda-bld/six_1/work", "/C:/ci_310/six_1/work",
     "/home/task_1/bld/rattler-build_six/work"],
)  # fmt: skip
def test_paths_of_condas_build_machines_are_known(path: str) -> None:
    assert references.is_conda(Local(path, name="six"))


def test_other_paths_are_not_condas() -> None:
    assert not references.is_conda(Local("/home/me/conda/x", name=""))
    assert not references.is_conda(Local("/home/me/six", name="six"))
