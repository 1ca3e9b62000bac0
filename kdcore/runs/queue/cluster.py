"""The devices of a Ray cluster as the queue sees them.

Where KDLAB_RAY_ADDRESS is set, runs wait for a device of the cluster at that address. Neither the
app nor the dispatcher joins it: a process that ends at once asks which machines it has, and writes
the answer into a file of the queue (kdcore.experiments.elsewhere). So no page waits for a cluster.
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kdcore.config.executor import Place
from kdcore.errors import ConfigError
from kdcore.runs.machine import CORES_PER_RUN, DeviceState, refuse_executor
from kdcore.runs.queue.processes import reap, spawn
from kdcore.workspace import Workspace, read_json, write_json_atomic

ADDRESS = "KDLAB_RAY_ADDRESS"
DEVICES = ("auto", "cpu", "cuda")  # that a run may ask for there; others name what a machine has
FRESH = 60.0  # seconds for which the machines of a cluster are taken as they were seen
AGAIN = 20.0  # seconds until a cluster that did not answer is asked again
_LONGEST = 120.0  # seconds that the process that asks may take


@dataclass(frozen=True)
class Machine:
    """A machine of a cluster. id: Ray's name of it; gpu: the kind of its GPUs, "" if unknown."""

    id: str
    host: str
    cpus: int
    gpus: int = 0
    gpu: str = ""

    @property
    def slots(self) -> int:
        """How many runs share its CPU."""
        return max(1, self.cpus // CORES_PER_RUN) if self.cpus else 0

    @property
    def threads(self) -> int:
        """The cores of a run on the CPU."""
        return self.cpus // max(self.slots, 1)


@dataclass(frozen=True)
class Seen:
    """A cluster as it was seen last. problem: why it cannot be used, in a sentence, else ""."""

    address: str
    machines: tuple[Machine, ...] = ()
    problem: str = ""
    at: float = 0.0  # seconds since the epoch

    @property
    def is_fresh(self) -> bool:
        """Whether it need not be asked again yet."""
        return abs(time.time() - self.at) < (AGAIN if self.problem else FRESH)

    @property
    def places(self) -> dict[str, Machine]:
        """The machine of each device, by the name of the device."""
        return {
            f"{kind}@{name}": machine
            for name, machine in self._names.items()
            for kind in _kinds(machine)
        }

    @property
    def devices(self) -> list[DeviceState]:
        """The CPU and every GPU of each machine, all of them free."""
        devices = []
        for name, machine in self.places.items():
            kind, _, host = name.partition("@")
            cores = f"{machine.cpus} core{'s' if machine.cpus > 1 else ''}"
            title = f"CPU, {cores}" if kind == "cpu" else f"{machine.gpu or 'GPU'}, {kind}"
            slots = machine.slots if kind == "cpu" else 1
            devices.append(DeviceState(name, f"{host}: {title}", slots, place=self.address))
        return devices

    @property
    def _names(self) -> dict[str, Machine]:
        """The machines by host; a second one of a host has a number."""
        names, hosts = dict[str, Machine](), Counter[str]()
        for machine in sorted(self.machines, key=lambda each: (each.host, each.id)):
            hosts[machine.host] += 1
            count = hosts[machine.host]
            names[machine.host if count == 1 else f"{machine.host}-{count}"] = machine
        return names

    def write(self, workspace: Workspace) -> None:
        """Replace what was seen before."""
        write_json_atomic(_path(workspace, self.address), asdict(self))

    @classmethod
    def read(cls, workspace: Workspace, address: str) -> "Seen":
        """What was seen last; nothing when it was never asked, or the file is damaged."""
        content = read_json(_path(workspace, address))
        try:
            machines = tuple(Machine(**each) for each in content["machines"])
            return cls(address, machines, str(content["problem"]), float(content["at"]))
        except (KeyError, TypeError, ValueError):
            return cls(address)


def address() -> str:
    """The address of the cluster whose devices new runs wait for; "" for those of this machine."""
    return os.environ.get(ADDRESS, "").strip()


def refuse_unusable(address: str, devices: Sequence[str]) -> None:
    """ConfigError when no cluster can be at an address, or none gives one of these devices."""
    try:
        place = Place.parse(f"ray:{address}")
    except ConfigError:
        place = Place("ray")
    if not place.address:
        problem = f"{address!r} is no address; use HOST:PORT, or unset it for this machine"
        raise ConfigError(f"{ADDRESS} cannot be used:", [problem])
    refuse_executor(place)
    if wrong := next((each for each in devices if each not in DEVICES), ""):
        problem = f"device: a cluster cannot give {wrong}; use one of {', '.join(DEVICES)}"
        title = "This run cannot wait for a cluster:"
        raise ConfigError(title, [problem], change={"device": "auto"})


class Lookout:
    """Keeps what is known of clusters fresh while runs wait for them, by processes of their own."""

    def __init__(self, workspace: Workspace, output: Path) -> None:
        self.workspace, self.output = workspace, output
        self._asking: dict[str, tuple[subprocess.Popen[bytes], float]] = {}

    def devices(self, address: str) -> list[DeviceState]:
        """The devices of a cluster; none while it does not answer or has yet to be asked."""
        seen = Seen.read(self.workspace, address)
        if seen.is_fresh:
            return seen.devices
        self._ask(address)
        return []

    def _ask(self, address: str) -> None:
        """Start a process that asks, or give up on one that takes too long or has died."""
        process, since = self._asking.get(address, (None, 0.0))
        if process is None:
            with self.output.open("ab") as output:
                process = spawn(ask_command(self.workspace, address), output)
            reap(process)
            self._asking[address] = process, time.time()
            return
        took, has_ended = time.time() - since, process.poll() is not None
        if not has_ended and abs(took) < _LONGEST:
            return
        process.kill()
        del self._asking[address]
        if has_ended and Seen.read(self.workspace, address).at >= since:
            return  # it has written what it saw, some time ago
        why = f"see {self.output.name}" if has_ended else f"no answer within {_LONGEST:g} s"
        problem = f"the Ray cluster at {address} could not be asked: {why}"
        Seen(address, problem=problem, at=time.time()).write(self.workspace)


def ask_command(workspace: Workspace, address: str) -> list[str]:
    """The command that asks a cluster which machines it has."""
    return [sys.executable, "-m", "kdcore", "machines", str(workspace.root.resolve()), address]


def carry_command(folder: Path, address: str, device: str) -> list[str]:
    """The command that lets a machine of a cluster carry out a run, and waits for its end."""
    return [sys.executable, "-m", "kdcore", "carry", str(folder.resolve()), address, device]


def problem(workspace: Workspace, address: str) -> str:
    """Why the cluster at an address gives no device, in a sentence; "" when it does."""
    try:
        refuse_unusable(address, ())
    except ConfigError as unusable:
        return f"{ADDRESS} cannot be used: {unusable.problems[0]}."
    seen = Seen.read(workspace, address)
    if seen.problem:
        return f"{seen.problem}. Runs stay queued; the cluster is asked again while one waits."
    return "" if seen.at else f"The Ray cluster at {address} has not answered yet."


def _kinds(machine: Machine) -> list[str]:
    cpu = ["cpu"] if machine.slots else []
    return cpu + [f"cuda:{number}" for number in range(machine.gpus)]


def _path(workspace: Workspace, address: str) -> Path:
    return workspace.queue / f"cluster-{re.sub(r'[^A-Za-z0-9.]', '-', address)[:100]}.json"
