"""A company's network: an index behind a proxy, both with passwords, TLS of a CA of its own."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed.certificates import make_authority
from tests.testbed.host_setups import HostSetups
from tests.testbed.index import Index, running_index
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.proxy import ForwardProxy, running_proxy
from tests.testbed.pulled import PulledImage, pull

from .interrupting import store_engine
from .pushing import Done, make_context, marked, push, run_image, sign_in, write

HOST = "packages.company.test"
INDEX_PASSWORD = "index-password-4711"
PROXY_PASSWORD = "proxy-password-0815"

SETUPS = {
    "docker-legacy": "docker",
    "docker-buildkit": "docker",
    "podman": "podman",
    "rootless-buildah": "buildah",
}


@dataclass(frozen=True, slots=True)
class Company:
    """Its index (no name server knows the host), its proxy, and its CA's file."""

    index: Index
    proxy: ForwardProxy
    ca: Path

    @property
    def secrets(self) -> list[bytes]:
        """What no image may hold: passwords, addresses, the CA's certificate."""
        certificate = self.ca.read_text().splitlines()[3]
        address = self.proxy.url.rpartition("@")[2]
        return [text.encode() for text in (INDEX_PASSWORD, PROXY_PASSWORD, address, certificate)]


@pytest.fixture(scope="module")
def company(bed: Path) -> Iterator[Company]:
    folder = bed / "company"
    folder.mkdir()
    authority = make_authority(folder, "company CA")
    certificate = authority.issue(folder, host=HOST)
    with ExitStack() as stack:
        index = stack.enter_context(running_index(certificate, f"reader:{INDEX_PASSWORD}"))
        hosts = {f"{HOST}:443": index.port}
        proxy = stack.enter_context(running_proxy(hosts, f"employee:{PROXY_PASSWORD}"))
        yield Company(index, proxy, authority.cert)


@pytest.fixture(
    scope="module",
    params=[
        *marked(SETUPS, often=("docker-legacy", "rootless-buildah")),
        *marked({"newer-docker": "docker"}, pytest.mark.newer),
    ],
)
def done(
    request: pytest.FixtureRequest, host_setups: HostSetups, platform: Platform, company: Company
) -> Done:
    """Push once on each setup; only variables and pip.conf tell of the company."""
    setup = host_setups.named(request.param)
    context = make_context(setup, "company-context")
    sign_in(setup, platform)
    environment = _environment(setup, company)
    told = push(setup, context, "--verbose", env=environment)
    return Done.of(setup, context, platform, told)


def _environment(setup: HostSetup, company: Company) -> dict[str, str]:
    conf = setup.home / "company-pip.conf"
    url = f"https://reader:{INDEX_PASSWORD}@{HOST}/simple"
    write(setup, conf, f"[global]\nindex-url = {url}\n")
    return {
        "HTTPS_PROXY": company.proxy.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "SSL_CERT_FILE": str(company.ca),
        "PIP_CONFIG_FILE": str(conf),
    }


@pytest.fixture(scope="module")
def pulled(done: Done, tmp_path_factory: pytest.TempPathFactory) -> PulledImage:
    return pull(done.platform.registry, done.image, tmp_path_factory.mktemp("company"))


def test_packages_come_from_the_companys_index_through_its_proxy(
    done: Done, company: Company
) -> None:
    assert f"{HOST}:443" in company.proxy.asked
    assert "trained with 1.0" in run_image(done)


def test_no_layer_holds_anything_of_the_companys_network(
    pulled: PulledImage, company: Company
) -> None:
    for secret in company.secrets:
        assert pulled.holds(secret) == []


def test_config_and_history_hold_nothing_of_the_companys_network(
    pulled: PulledImage, company: Company
) -> None:
    for secret in company.secrets:
        assert secret.decode() not in pulled.config_text


def test_no_image_that_stays_in_the_engines_store_holds_a_password(
    done: Done, company: Company
) -> None:
    engine = store_engine(done.setup)
    named = [each for each in _names(done.setup, engine) if done.context.name in each]
    assert named
    for name in named:
        kept = _saved(done.setup, engine, name)
        assert b"tinydep" in kept
        assert [secret for secret in company.secrets if secret in kept] == []


def test_no_history_in_the_engines_store_shows_a_password(done: Done, company: Company) -> None:
    setup, engine = done.setup, store_engine(done.setup)
    # With what is under no name: intermediate images, and those of stages.
    listed = setup.engine(*engine, "images", "--all", "--quiet", "--no-trunc").split()
    assert listed
    for image in {each.removeprefix("sha256:") for each in listed}:
        if setup.builder == "buildah":
            history = setup.engine(*engine, "inspect", "--type", "image", image)
        else:
            history = setup.engine(*engine, "history", "--no-trunc", image)
        assert [each for each in (INDEX_PASSWORD, PROXY_PASSWORD) if each in history] == []


def _names(setup: HostSetup, engine: Sequence[str]) -> list[str]:
    field = "Name" if setup.builder == "buildah" else "Repository"
    form = f"{{{{.{field}}}}}:{{{{.Tag}}}}"
    return setup.engine(*engine, "images", "--format", form).split()


def _saved(setup: HostSetup, engine: Sequence[str], name: str) -> bytes:
    """Return an image as an archive with uncompressed layers, config and history in it."""
    file = setup.home / f"saved-{os.urandom(4).hex()}.tar"
    if setup.builder == "buildah":
        setup.engine(*engine, "push", "--quiet", name, f"docker-archive:{file}:{name}")
    else:
        setup.engine(*engine, "save", "--output", str(file), name)
    content = file.read_bytes()
    file.unlink()
    return content


def test_the_verbose_log_shows_no_password(done: Done) -> None:
    assert INDEX_PASSWORD not in done.stderr
    assert PROXY_PASSWORD not in done.stderr
