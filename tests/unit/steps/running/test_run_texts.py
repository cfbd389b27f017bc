"""The line that starts a run."""

import pytest

from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import Limits
from keynet.steps.running.run_texts import described


@pytest.mark.parametrize(
    ("cpus", "said"), [(0.5, "0.5 CPU "), (1.0, "1 CPU "), (1.5, "1.5 CPUs "), (4.0, "4 CPUs ")]
)
def test_cpus_are_counted(cpus: float, said: str) -> None:
    run = ContainerRun("busybox", "workspace_1", Labels.now("1", "busybox"), Limits(cpus=cpus))
    assert f", {said}(--cpus), " in described("busybox", run, frozenset())
    assert "CPU" not in described("busybox", run, frozenset({"cpus"}))
