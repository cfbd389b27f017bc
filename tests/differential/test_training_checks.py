"""What is said of real programs whose distributions name their requirements: nothing."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from keynet.events import Event, Notice
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe
from keynet.recipe import context, hostnetwork, ignore
from keynet.script import training_script
from keynet.steps.checking import training_checks
from keynet.steps.checking.installable.package_trial import PackageTrial

from .programs import PACKAGED, TRAINING, interpreter

pytestmark = pytest.mark.packages

# What their projects' own pages say to install for the command.
EXTRAS = {"open_clip_torch": {"training"}, "rembg": {"cpu", "cli"}}
# Found by reading each one: with what the index has today, the import fails.
RIGHT = {
    "rl_zoo3.enjoy": ["requests"],
}
# Prints, for each module, its file, its distribution's files and what that requires.
INSTALLED = """
import json, sys
from importlib import metadata
homes = {}
for each in metadata.distributions():
    for file in each.files or ():
        if file.suffix == ".py" and ".." not in file.parts:
            homes[str(file)] = each
found = {}
for module in sys.argv[1:]:
    path = module.replace(".", "/")
    file = next(it for it in (f"{path}.py", f"{path}/__init__.py") if it in homes)
    home = homes[file]
    found[module] = {
        "root": str(home.locate_file("")),
        "file": file,
        "files": [str(it) for it in home.files if it.suffix == ".py" and ".." not in it.parts],
        "requires": home.requires or [],
        "name": home.name,
    }
print(json.dumps(found))
"""


def test_no_installed_program_is_warned_of_a_module_that_its_requirements_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the index answers is kept with the packages, which are fixed as well.
    monkeypatch.setenv("XDG_CACHE_HOME", str(interpreter().parents[1] / "cache"))
    modules = sorted({each.start.partition(":")[0] for each in (*PACKAGED, *TRAINING)})
    listed = subprocess.run(
        [str(interpreter()), "-I", "-c", INSTALLED, *modules],
        capture_output=True,
        text=True,
        check=True,
    )
    installed: dict[str, dict[str, Any]] = json.loads(listed.stdout)
    folders = [tmp_path / each["name"] for each in installed.values()]
    for each, folder in zip(installed.values(), folders, strict=True):
        _lay_out(each, folder)
    with ProcessPoolExecutor(max_workers=4) as pool:
        said = pool.map(_said, installed.values(), folders)
        warned = {module: named for module, named in zip(installed, said, strict=True) if named}
    assert len(installed) >= 120
    assert warned == RIGHT


def _lay_out(installed: dict[str, Any], folder: Path) -> None:
    """Copy a distribution's modules into a folder of their own, as its project has them."""
    if folder.exists():
        return
    for name in installed["files"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(installed["root"], name), folder / name)
    (folder / "requirements.txt").write_text("\n".join(_lines(installed)))


def _lines(installed: dict[str, Any]) -> tuple[str, ...]:
    """Return what a distribution requires, its extras included, as lines without ``extra``."""
    extras = EXTRAS.get(installed["name"], set())
    found = []
    for written in installed["requires"]:
        requirement = Requirement(written)
        marker = requirement.marker
        if "extra ==" not in written:
            found.append(written)
        elif marker is not None and any(marker.evaluate({"extra": it}) for it in extras):
            requirement.marker = None
            found.append(str(requirement))
    return tuple(found)


def _said(installed: dict[str, Any], folder: Path) -> list[str]:
    """Return the modules of which a warning is shown."""
    source = folder / "requirements.txt"
    files = {source.name: source.read_bytes()}
    dependencies = Dependencies(source=source, files=files, lines=_lines(installed))
    base = Reference.parse("python:{}.{}-slim".format(*sys.version_info))
    plan = BuildPlan(
        context=folder,
        files=context.scan(folder, ignore.load(folder, None)).files,
        recipe=Recipe(base, ("python", installed["file"]), dependencies=dependencies),
        platforms=(Platform("linux", "amd64"),),
        host_network=hostnetwork.detect(os.environ, Path.home()).network,
    )
    events: list[Event] = []
    script = training_script.load(folder / installed["file"])
    trial = PackageTrial()
    trial.check(plan, events.append)
    training_checks.check(plan, script, trial, events.append, strict=False)
    texts = [each.text for each in events if isinstance(each, Notice)]
    return [text.partition("brings the module ")[2].partition(".\n")[0] or text for text in texts]
