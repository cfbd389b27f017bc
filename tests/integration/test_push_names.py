"""Names that shells, Containerfiles and engines could stumble over, from push to training."""

import dataclasses

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.pulled import pull

from .pushing import Done, marked, push_arguments, run_image, sign_in, write

SETUPS = {
    "docker-legacy": "docker",
    "docker-buildkit": "docker",
    "podman": "podman",
    "buildah": "buildah",
}
SCRIPT = '훈련 it\'s "1" $HOME\n#%s \\t.py'
FILES = {
    SCRIPT: "import pathlib, sys\nprint('trained', sys.argv)\n"
    "print(*sorted(p.read_text() for p in pathlib.Path('data').rglob('*') if p.is_file()))\n",
    "data/가 나/두\n줄.txt": "1",
    "data/a'b\"c.txt": "2",
    "data/*.txt": "3",
    "data/[x]": "4",
    "data/-rf": "5",
    "data/${PATH}": "6",
    "data/ space at both ends ": "7",
    "data/tab\tand\\backslash": "8",
    "data/.hidden": "9",
}


@pytest.fixture(params=marked(SETUPS, often=("docker-legacy", "buildah")))
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    return host_setups.named(request.param)


def test_a_script_and_files_of_any_name_are_pushed_whole_and_train(
    setup: HostSetup, platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> None:
    context = setup.home / "odd 이름 'context'\n2"
    for name, text in FILES.items():
        write(setup, context / name, text)
    sign_in(setup, platform)
    arguments = push_arguments(setup)
    arguments[arguments.index("train.py")] = SCRIPT
    told = setup.keynet(*arguments, cwd=context)
    done = Done.of(setup, context, platform, told)
    assert done.result["model_name"] == SCRIPT.removesuffix(".py")
    pulled = pull(platform.registry, done.image, tmp_path_factory.mktemp("odd"))
    found = {
        name: entry.content.decode()
        for name, entry in pulled.files("/workspace").items()
        if entry.kind == "file"
    }
    assert found == FILES
    trained = run_image(dataclasses.replace(done, command=("python", SCRIPT)))
    assert repr([SCRIPT]) in trained
    assert "1 2 3 4 5 6 7 8 9" in trained
