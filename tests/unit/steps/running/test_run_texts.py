"""The line that starts a run, and what follows its end."""

from keynet.errors import EngineError
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.container_run import Outcome
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import Limits
from keynet.steps.running.run_texts import described, ended
from tests.tables import table


@table(("cpus", "said"), [(0.5, "0.5 CPU "), (1.0, "1 CPU "), (1.5, "1.5 CPUs "), (4.0, "4 CPUs ")])
def test_cpus_are_counted(cpus: float, said: str) -> None:
    run = ContainerRun("busybox", "workspace_1", Labels.now("1", "busybox"), Limits(cpus=cpus))
    assert f", {said}(--cpus), " in described("busybox", run, frozenset())
    assert "CPU" not in described("busybox", run, frozenset({"cpus"}))


def test_a_hint_is_shown_once() -> None:
    hint = "Free some space."
    left = EngineError("The container could not be removed.", f"{hint}\nThen: keynet clean")
    for outcome, times in (
        (Outcome(127, started=False, hint=hint), 1),
        (Outcome(127, started=False, hint=hint, left=left), 1),
        (Outcome(0, left=left), 1),
        (Outcome(0), 0),
    ):
        said = [notice.text for notice in ended(outcome, Limits(), frozenset())]
        assert "".join(said).count(hint) == times, outcome
        assert len(said) == times
