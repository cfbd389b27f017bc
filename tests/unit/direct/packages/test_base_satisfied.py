"""What the base satisfies, as uv plans an installation on it."""

from pathlib import Path

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.packages.base_satisfied import Plan, names_in, plan_on_base
from keynet.process.shell import Finished

SITE = "usr/lib/python3/dist-packages"
BASE = BasePackages(
    (SITE,),
    {
        f"{SITE}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"
        for name, version in (("six", "1.16"), ("Old_one", "1.0"), ("torch", "2.1+cu121"))
    },
)
DRY_RUN = """\
Resolved 5 packages in 757ms
Would install 3 packages
 + colorama==0.4.6
 - old-one==1.0
 + old-one==2.0
 + own==1.0 (from file:///folder/own-1.0-py3-none-any.whl)
"""


class _Uv:
    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        self.seen: list[tuple[str, ...]] = []
        self.shown: list[str] = []

    def run(self, *arguments: str) -> Finished:
        self.seen.append(arguments)
        target = Path(arguments[arguments.index("--target") + 1])
        self.shown = sorted(each.name for each in target.iterdir())
        return Finished(self.status, "", self.text)


def test_a_plan_has_what_is_added_and_what_stays(tmp_path: Path) -> None:
    uv = _Uv(0, DRY_RUN)
    plan = plan_on_base(uv.run, BASE, ["requirements.txt"], tmp_path / "on-base")
    assert uv.shown == ["old_one-1.0.dist-info", "six-1.16.dist-info", "torch-2.1+cu121.dist-info"]
    assert uv.seen[0][:2] == ("install", "--dry-run")
    assert uv.seen[0][-2:] == ("--requirement", "requirements.txt")
    assert plan.added == (
        "colorama==0.4.6",
        "old-one==2.0",
        "own @ file:///folder/own-1.0-py3-none-any.whl",
    )
    assert plan.kept == {"six", "torch"}


def test_a_plan_is_written_for_the_lock(tmp_path: Path) -> None:
    arguments = Plan(("colorama==0.4.6",), frozenset({"torch", "six"})).arguments(tmp_path / "plan")
    override, constraint, added = arguments[1], arguments[3], arguments[4]
    assert Path(override).read_text() == (
        'six ; python_version < "0"\ntorch ; python_version < "0"\n'
    )
    assert constraint == added
    assert Path(added).read_text() == "colorama==0.4.6\n"


def test_what_uv_refuses_is_returned(tmp_path: Path) -> None:
    plan = plan_on_base(_Uv(1, "No solution").run, BASE, ["r.txt"], tmp_path / "x")
    assert plan == Plan(refused="No solution")


def test_metadata_that_names_no_package_needs_no_plan(tmp_path: Path) -> None:
    uv = _Uv(0, "")
    base = BasePackages((SITE,), {f"{SITE}/x.dist-info/METADATA": "Summary: x\n"})
    assert plan_on_base(uv.run, base, ["r.txt"], tmp_path / "x") == Plan()
    assert uv.seen == []


def test_the_names_of_a_base_are_normalised() -> None:
    assert names_in(BASE) == {"six", "old-one", "torch"}
