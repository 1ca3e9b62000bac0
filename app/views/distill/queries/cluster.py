"""The cluster to which runs go where its address is set: its devices, and their known speed."""

from dataclasses import dataclass
from math import isfinite

from app.kit.by_hash import by_hash
from app.kit.texts import counted
from app.services import access
from kdcore.experiments.estimate.estimate import estimated_and_true
from kdcore.runs.machine import machine_mark
from kdcore.runs.queue import cluster
from kdcore.runs.queue.cluster import Machine, Seen
from kdcore.runs.store import RunStore

RECENT = 20  # runs of other machines that are set against their estimates


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was seen last; machines: none while it has not answered yet."""

    address: str
    machines: tuple[Machine, ...] = ()

    @property
    def devices(self) -> dict[str, str]:
        """What a run may ask for there, with its title; all that there may be until it is seen."""
        cpus = sum(machine.slots > 0 for machine in self.machines)
        gpus = sum(machine.gpus for machine in self.machines)
        kinds = sorted({machine.gpu for machine in self.machines if machine.gpu})
        titles = {"auto": "the first free device"}
        if cpus or not self.machines:
            titles["cpu"] = f"a CPU ({counted(cpus, 'machine')})" if cpus else "a CPU"
        if gpus or not self.machines:
            kind = " or ".join(kinds) or "GPU"
            titles["cuda"] = f"{kind} ({gpus} there)" if gpus else "a GPU"
        return titles

    @property
    def speed(self) -> str:
        """What is known of its speed, in a sentence: how its runs compare with their estimates."""
        ratios = sorted(_ratios())
        if not ratios:
            return (
                "How fast its machines are is not known here: no run that was estimated here has "
                "finished on another machine yet."
            )
        ends = list(dict.fromkeys(f"{ratio:.2g}" for ratio in (ratios[0], ratios[-1])))
        return (
            f"{counted(len(ratios), 'run')} that other machines finished took {' to '.join(ends)} "
            "times the time that was estimated for this machine."
        )


def present() -> Cluster | None:
    """The cluster of the queue; None where runs stay on this machine."""
    address = cluster.address()
    return Cluster(address, Seen.read(access.home(), address).machines) if address else None


@by_hash(most=1, seconds=30, on=lambda: access.home().root)
def _ratios() -> tuple[float, ...]:
    """True seconds of the last runs of other machines over those estimated on this one."""
    ratios: list[float] = []
    for run in RunStore(access.home().runs).list():
        mark = run.provenance.get("machine")
        if mark and mark != machine_mark() and (pair := estimated_and_true(run)):
            estimated, true = pair
            if isfinite(estimated) and estimated > 0:
                ratios.append(true / estimated)
    return tuple(ratios[:RECENT])
