"""The hashes of requirements, compared with a lock."""

from keynet.direct.packages.given_hashes import not_given
from tests.tables import table

A, B = "a" * 64, "b" * 64


@table(
    ("text", "wrong"),
    [
        (f"six==1.16 --hash=sha256:{A}\n", []),
        (f"Six[x]==1.16 ; python_version > '3' --hash=sha256:{B} --hash sha256:{A}\n", []),
        (f"./archives/six.whl --hash=sha256:{A}\n", []),
        (f"six==1.16 --hash=sha256:{B}\n", ["six==1.16"]),
        (f"other==1 --hash=sha256:{A}\n", ["six==1.16"]),
        ("six==1.16\n", ["six==1.16"]),
    ],
)
def test_a_wheel_has_one_of_the_hashes_that_its_requirement_gives(
    text: str, wrong: list[str]
) -> None:
    package = {"name": "six", "version": "1.16", "wheels": [{"hashes": {"sha256": A}}]}
    assert not_given([text], [package]) == wrong


def test_each_file_of_a_package_counts() -> None:
    files = [{"hashes": {"sha256": A}}, {"hashes": {"sha256": B}}]
    package = {"name": "six", "version": "1", "wheels": files}
    assert not_given([f"six==1 --hash=sha256:{A}\n"], [package]) == ["six==1"]
    assert not_given([], [{"name": "x", "archive": {}}]) == ["x==None"]
