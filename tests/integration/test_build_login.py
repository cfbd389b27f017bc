"""A build without a push finds private base images of the platform's registry by the login."""

import json

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import Platform

from .pushing import OLDER, marked, push, sign_in, small_context

pytestmark = pytest.mark.registry
# Not docker: the pulled base would stay in the daemon, which other tests look at.
NAMES = {"rootless-podman": OLDER["rootless-podman"]}


@pytest.mark.parametrize("name", marked(NAMES))
def test_a_base_of_the_platforms_registry_is_pulled(
    name: str, host_setups: HostSetups, platform: Platform
) -> None:
    setup = host_setups.named(name)
    sign_in(setup, platform)
    context = small_context(setup, "own-base")
    pushed = push(setup, context, "--project", "12", base="busybox")
    assert pushed.returncode == 0, pushed.stderr
    base = json.loads(pushed.stdout)["image"]
    arguments = ("build", "train.py", "--builder", setup.builder, "--base-image", base)
    built = setup.keynet(*arguments, "--platform", "linux/amd64", cwd=context)
    assert built.returncode == 0, built.stderr
