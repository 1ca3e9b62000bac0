"""Masked-word models as folders of the workspace: masked/NAME/ with all that a training leaves.

A folder holds config.json (the plan), status.json, metrics.jsonl (the curves), run.log, model/ (in
the Hugging Face layout) and results.json; while it is unfinished also checkpoint/.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from kdcore.errors import ConfigError, LabError, RunError, UnknownNameError
from kdcore.language.plan import Plan, StorePlan, StudentPlan, read_plan
from kdcore.runs.metric_lines import read_lines
from kdcore.runs.record import CONFIG, STATUS, STOP, Record, Status, derive, writing
from kdcore.trash import take_back, throw_away
from kdcore.workspace import (
    Workspace,
    check_name,
    new_folder,
    read_json,
    write_json_atomic,
    write_text_atomic,
)

RESULTS = "results.json"


@dataclass(frozen=True)
class MaskedRun:
    """The folder of one masked-word model."""

    folder: Path

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    @cached_property
    def plan(self) -> Plan:
        """What it is trained with; ConfigError when that cannot be read."""
        return read_plan(self.folder / CONFIG)

    def status(self) -> Status:
        """How its training stands."""
        return derive(self.folder)

    def metrics(self) -> list[dict[str, float]]:
        """The metric lines so far: a line of numbers every few steps, a curve for each loss."""
        return [line for _, line in read_lines(self.folder)]

    @property
    def results(self) -> Mapping[str, Any]:
        """What was measured at the end (kdcore.language.measure); empty before."""
        return read_json(self.folder / RESULTS)

    @property
    def model_folder(self) -> Path:
        """The model, for transformers and for the page Masked word."""
        return self.folder / "model"

    def require_model(self) -> "MaskedRun":
        """Itself, or RunError when it is not trained yet."""
        state = self.status().state
        if state != "finished":
            raise RunError(f"{self.id} is {state}: finish it with `kdlab masked resume {self.id}`")
        return self

    @property
    def store_folder(self) -> Path:
        """The stored logits, of a plan that stores them."""
        return self.folder / "store"

    def request_stop(self) -> None:
        """Ask its process to save and stop at the next step; an ended one is left as it is."""
        if self.status().state == "running":
            with writing(self.folder):
                write_text_atomic(self.folder / STOP, "pause")


class MaskedStore:
    """The masked-word models of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.root = workspace.masked

    def create(self, plan: Plan, name: str = "") -> MaskedRun:
        """A queued training of this plan; a name that is taken is refused."""
        if not name:
            moment = time.strftime("%Y%m%d-%H%M", time.localtime())
            name = f"{moment}-{plan.stage}-{secrets.token_hex(2)}"
        folder = self.root / check_name(name, "name of a model")
        if folder.exists():
            raise ConfigError(
                f"{name!r} is the name of another model: choose one that is free, or go on with "
                f"it by `kdlab masked resume {name}`"
            )
        with new_folder(folder) as fresh:
            write_json_atomic(fresh / CONFIG, plan.to_dict())
            record = Record(state="queued", title=name, created=time.time())
            write_json_atomic(fresh / STATUS, record.to_dict())
        return MaskedRun(folder)

    def get(self, name: str) -> MaskedRun:
        """A model by its name; UnknownNameError with the nearest one."""
        if name in (names := self._names()):
            return MaskedRun(self.root / name)
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`kdlab masked list` shows them"
        raise UnknownNameError(f"no masked-word model is called {name!r}: {hint}")

    def find(self, name: str) -> MaskedRun | None:
        """A model by its name; None without one."""
        return MaskedRun(self.root / name) if name in self._names() else None

    def models(self) -> list[MaskedRun]:
        """Every model whose plan can be read, by name."""
        runs = [MaskedRun(self.root / name) for name in self._names()]
        return [run for run in runs if _is_readable(run)]

    def delete(self, name: str) -> None:
        """Move a model to the trash beside it, where it stays for a week."""
        run = self.get(name)
        if run.status().state == "running":
            raise RunError(f"{name} is being trained: stop it with `kdlab masked stop {name}`")
        throw_away(run.folder)

    def restore(self, name: str) -> MaskedRun:
        """Take a model out of the trash; UnknownNameError when it is not there."""
        return MaskedRun(take_back(self.root, name))

    def teacher_of(self, plan: StudentPlan | StorePlan) -> str:
        """What opens a plan's teacher: the folder of a model here, else what the plan names."""
        run = self.find(plan.teacher)
        return plan.teacher if run is None else str(run.require_model().model_folder)

    def store_of(self, name: str) -> Path:
        """The folder of a store: one of this workspace, else the folder that the name is."""
        run = self.find(name)
        return Path(name).expanduser() if run is None else run.require_model().store_folder

    def _names(self) -> list[str]:
        if not self.root.is_dir():
            return []
        entries = (entry for entry in self.root.iterdir() if (entry / CONFIG).is_file())
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def _is_readable(run: MaskedRun) -> bool:
    try:
        return isinstance(run.plan, Plan)
    except LabError:
        return False
