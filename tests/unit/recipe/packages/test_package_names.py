"""Names of distributions in requirements, and what people mean by some of them."""

from keynet.recipe.packages import package_names
from tests.tables import table


def test_the_names_in_requirements_files_are_read() -> None:
    text = (
        b"-i https://example.com\nNumpy>=1 # x\nsix==1 --hash=sha256:0 \\\n  --hash=sha256:1\n!\n"
    )
    files = {"requirements.txt": text, "archives/own_lib-1.0-py3-none-any.whl": b""}
    assert package_names.named(files) == {"numpy", "six", "own-lib"}


@table(
    ("name", "meant"),
    [
        ("pytorch", "torch"),
        ("CV2", "opencv-python"),
        ("sklearn", "scikit-learn"),
        ("six", ""),
        ("pkg_resources", "setuptools"),
    ],
)
def test_what_people_mean_by_a_name_is_known(name: str, meant: str) -> None:
    assert package_names.instead_of(name) == meant
