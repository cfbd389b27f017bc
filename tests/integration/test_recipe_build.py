"""The generated Containerfile on real engines, on bases as they are found in the wild."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.plan import Recipe
from keynet.recipe import hostnetwork
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search
from tests.integration.engines import in_turn
from tests.integration.pushing import rarely
from tests.integration.recipe_bed import (
    PASSWORD,
    Engine,
    Index,
    build,
    planned,
    rendered,
    running_index,
)
from tests.testbed.daemon import Dockerd
from tests.testbed.images import Hub
from tests.testbed.stores import Store

SCRIPT = "import sys, tinydep\nprint('TRAINED', tinydep.NAME, sys.argv)\n"
ALONE = "import sys\nprint('TRAINED', sys.version_info[0])\n"

# From the hub's slim or bare image to a base that is difficult in one way.
BASES = {
    "slim": "FROM {slim}\n",
    "python3 only, externally managed, no pip": "FROM {bare}\n",
    "pip, externally managed": (
        'FROM {slim}\nRUN ["python3", "-c", "import sysconfig, pathlib; '
        "pathlib.Path(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED').touch()\"]\n"
    ),
    "user, entrypoint, misleading settings": (
        "FROM {slim}\nENV PIP_USER=1 PIP_TARGET=/elsewhere\nWORKDIR /odd\nUSER 1000\n"
        'ENTRYPOINT ["/bin/false"]\nCMD ["--wrong"]\nSHELL ["/bin/false", "-c"]\n'
    ),
    "no shell": 'FROM {bare}\nRUN ["/bin/rm", "/bin/sh", "/bin/bash", "/bin/dash"]\n',
    "conda": (
        "FROM {bare}\nRUN mkdir -p /opt/conda/bin /opt/conda/lib"
        " && mv /usr/lib/python3.11 /opt/conda/lib/ && mv /usr/bin/python3.11 /opt/conda/bin/"
        " && rm /usr/bin/python3"
        " && ln -s python3.11 /opt/conda/bin/python3 && ln -s python3.11 /opt/conda/bin/python\n"
        'ENV PATH="/opt/conda/bin:$PATH"\n'
    ),
}

ODD_NAMES = ["my train.py", 'it\'s "x" $HOME.py', "훈련.py", "-c.py", "a\\b.py", "new\nline.py"]

FORMS = [
    pytest.param("mounting", marks=[pytest.mark.buildah, pytest.mark.podman]),
    pytest.param("buildkit-mounting", marks=pytest.mark.docker),
    pytest.param("docker", marks=pytest.mark.docker),
]


# Both forms wherever there are both.
ALL_FORMS = [
    *FORMS,
    pytest.param("buildah", marks=[pytest.mark.buildah, pytest.mark.podman]),
    pytest.param("buildkit", marks=pytest.mark.docker),
]
# Without packages there is one form.
PLAIN = [each for each in ALL_FORMS if "mounting" not in str(each.values[0])]


@pytest.fixture(params=ALL_FORMS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """One engine after the other."""
    return _engine(request, request.param)


@pytest.fixture(params=FORMS)
def either_form(request: pytest.FixtureRequest) -> Engine:
    """The two forms of the recipe: one stage with a mount, and two stages."""
    return _engine(request, request.param)


def _engine(request: pytest.FixtureRequest, name: str) -> Engine:
    if name in ("buildah", "mounting"):
        store: Store = request.getfixturevalue("root_store")
        return Engine("buildah", store.environment, mounts=name == "mounting")
    daemon: Dockerd = request.getfixturevalue("dockerd")
    kit, _dash, form = name.partition("-")
    environment = {**os.environ, "DOCKER_HOST": daemon.host}
    environment["DOCKER_BUILDKIT"] = "1" if kit == "buildkit" else "0"
    return Engine(kit, environment, mounts=form == "mounting")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index behind TLS of a private CA, with a password."""
    with running_index(tmp_path_factory.mktemp("index"), tls=True) as running:
        yield running


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A context that needs one package of the index."""
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    (folder / "requirements.txt").write_text("tinydep==1.0\n")
    return folder


def _made_base(engine: Engine, hub: Hub, text: str, folder: Path) -> str:
    file = folder / "Containerfile.base"
    file.write_text(text.format(slim=hub.reference("slim"), bare=hub.reference("bare")))
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    tag = f"localhost/base-{uuid.uuid4().hex[:12]}:1"
    engine.build(file, empty, tag)
    return tag


def _tag() -> str:
    return f"localhost/recipe-{uuid.uuid4().hex[:12]}:1"


@pytest.mark.registry
@pytest.mark.parametrize(
    ("either_form", "name"), in_turn(FORMS, [*BASES]), indirect=["either_form"]
)
def test_dependencies_are_installed_on_any_base(
    either_form: Engine, hub: Hub, index: Index, training: Path, tmp_path: Path, name: str
) -> None:
    base = _made_base(either_form, hub, BASES[name], tmp_path)
    plan, _notices = planned(training, "train.py", base, index.environment)
    tag = _tag()
    build(either_form, plan, tag)
    assert "TRAINED tinydep ['train.py']" in either_form.run(tag)


@pytest.mark.registry
@pytest.mark.parametrize(
    ("either_form", "name"),
    in_turn(FORMS, [name for name in BASES if name != "no shell"]),
    indirect=["either_form"],
)
def test_without_dependencies_nothing_runs_in_the_build(
    either_form: Engine, hub: Hub, training: Path, tmp_path: Path, name: str
) -> None:
    (training / "requirements.txt").unlink()
    (training / "train.py").write_text(ALONE)
    base = _made_base(either_form, hub, BASES[name], tmp_path)
    plan, _notices = planned(training, "train.py", base, {})
    tag = _tag()
    build(either_form, plan, tag)
    assert "RUN" not in rendered(either_form, plan).text
    assert "TRAINED 3" in either_form.run(tag)


@pytest.mark.registry
@pytest.mark.parametrize(
    "engine", [*FORMS, *(rarely(each) for each in ALL_FORMS[len(FORMS) :])], indirect=True
)
def test_code_change_installs_nothing_again(
    engine: Engine, hub: Hub, index: Index, training: Path
) -> None:
    tag = _tag()
    (training / "requirements.txt").write_text(f"# {tag}\ntinydep==1.0\n")
    plan, _notices = planned(training, "train.py", hub.reference("slim"), index.environment)
    build(engine, plan, tag)
    asked = len(index.requests)
    assert asked
    (training / "train.py").write_text(SCRIPT + "print('CHANGED')\n")
    again, _notices = planned(training, "train.py", hub.reference("slim"), index.environment)
    log = build(engine, again, tag)
    assert "keynet: uv installs" not in log
    assert len(index.requests) == asked
    assert "CHANGED" in engine.run(tag)


@pytest.mark.registry
def test_nothing_of_the_hosts_network_is_in_the_image(
    engine: Engine, hub: Hub, index: Index, training: Path, tmp_path: Path
) -> None:
    environment = {
        **index.environment,
        "HTTPS_PROXY": "http://proxy-user:proxy-word@proxy.invalid:3128",
        "NO_PROXY": "127.0.0.1",
    }
    plan, _notices = planned(training, "train.py", hub.reference("slim"), environment)
    tag = _tag()
    build(engine, plan, tag)
    image = engine.export(tag, tmp_path)
    assert index.authority is not None
    certificate = index.authority.cert.read_bytes().splitlines()[1]
    for secret in (PASSWORD.encode(), b"proxy-word", b"proxy.invalid", certificate):
        assert secret not in image
    assert f"127.0.0.1:{index.port}".encode() not in image
    assert b"tinydep" in image


@pytest.mark.registry
def test_proxy_with_a_password_reaches_the_index(
    either_form: Engine, hub: Hub, training: Path, tmp_path: Path
) -> None:
    with running_index(tmp_path, tls=False) as proxy:
        environment = {
            "http_proxy": f"http://indexer:{PASSWORD}@127.0.0.1:{proxy.port}",
            "PIP_INDEX_URL": "http://packages.invalid/simple",
            "PIP_TRUSTED_HOST": "packages.invalid",
            "PIP_CONFIG_FILE": os.devnull,
        }
        plan, _notices = planned(training, "train.py", hub.reference("slim"), environment)
        tag = _tag()
        build(either_form, plan, tag)
        assert "TRAINED tinydep" in either_form.run(tag)
        assert any(path.startswith("http://packages.invalid/") for path in proxy.requests)


@pytest.mark.registry
def test_packages_of_the_base_are_used_and_not_installed_again(
    either_form: Engine, hub: Hub, index: Index, training: Path, tmp_path: Path
) -> None:
    folder = "/opt/venv/lib/python3.11/site-packages"
    base = _made_base(
        either_form,
        hub,
        "FROM {slim}\nRUN python3 -m venv --without-pip /opt/venv"
        f" && mkdir {folder}/brought-2.0.dist-info && touch {folder}/brought-2.0.dist-info/RECORD"
        f" && echo 'NAME = \"of the base\"' > {folder}/brought.py"
        " && printf 'Metadata-Version: 2.1\\nName: brought\\nVersion: 2.0\\n'"
        f" > {folder}/brought-2.0.dist-info/METADATA\n"
        'ENV PATH="/opt/venv/bin:$PATH"\n',
        tmp_path,
    )
    (training / "requirements.txt").write_text("brought>=1.0\ntinydep\n")
    (training / "train.py").write_text("import brought, tinydep\nprint('TRAINED', brought.NAME)\n")
    plan, _notices = planned(training, "train.py", base, index.environment)
    tag = _tag()
    log = build(either_form, plan, tag)
    assert "+ tinydep==1.0" in log
    assert "brought==" not in log
    assert "TRAINED of the base" in either_form.run(tag)


@pytest.mark.registry
@pytest.mark.parametrize(
    ("either_form", "name"), in_turn(FORMS, ODD_NAMES), indirect=["either_form"]
)
def test_any_name_of_a_script_runs(
    either_form: Engine, hub: Hub, training: Path, name: str
) -> None:
    (training / "requirements.txt").unlink()
    (training / "sub dir").mkdir()
    (training / "sub dir" / name).write_text(ALONE)
    plan, _notices = planned(training, f"sub dir/{name}", hub.reference("slim"), {})
    tag = _tag()
    build(either_form, plan, tag)
    assert "TRAINED 3" in either_form.run(tag)


@pytest.mark.registry
@pytest.mark.parametrize("engine", PLAIN, indirect=True)
def test_workspace_holds_the_context_without_what_is_ignored(
    engine: Engine, hub: Hub, training: Path, tmp_path: Path
) -> None:
    (training / "requirements.txt").unlink()
    (training / ".dockerignore").write_text("*.log\ndata/*\n!data/keep.csv\n")
    (training / "data" / "raw").mkdir(parents=True)
    for path in ("a.log", "data/keep.csv", "data/raw/big.bin", "이름 with space.txt"):
        (training / path).write_text(path)
    (training / "empty").mkdir()
    (training / "link").symlink_to("train.py")
    (training / "loop").symlink_to("loop")
    os.mkfifo(training / "fifo")
    plan, _notices = planned(training, "train.py", hub.reference("slim"), {})
    tag = _tag()
    build(engine, plan, tag)
    found = engine.workspace(tag, tmp_path)
    assert found == {
        ".dockerignore": "0",
        "data": "5",
        "data/keep.csv": "0",
        "empty": "5",
        "link": "2",
        "loop": "2",
        "train.py": "0",
        "이름 with space.txt": "0",
    }


@pytest.mark.registry
@pytest.mark.packages
@pytest.mark.parametrize(
    ("either_form", "variant"),
    in_turn(FORMS, ["slim", "bare"]),
    indirect=["either_form"],
)
def test_real_packages_come_by_this_hosts_own_settings(
    either_form: Engine, hub: Hub, training: Path, variant: str
) -> None:
    # A wheel with compiled code, and a source that pip must build, wherever it comes from.
    (training / "requirements.txt").write_text("numpy==1.26.4\ndocopt==0.6.2\n")
    (training / "train.py").write_text(
        "import docopt, numpy\nprint('TRAINED', numpy.__version__, docopt.__version__)\n"
    )
    base = hub.reference("slim" if variant == "slim" else "bare")
    plan, _notices = planned(training, "train.py", base, {})
    host = hostnetwork.detect(os.environ, Path.home()).network
    found, _warnings = finding.find(Search(training, environment=os.environ))
    assert isinstance(plan.recipe, Recipe)
    recipe = replace(plan.recipe, dependencies=found)
    tag = _tag()
    build(either_form, replace(plan, recipe=recipe, host_network=host), tag)
    assert "TRAINED 1.26.4 0.6.2" in either_form.run(tag)
