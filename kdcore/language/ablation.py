"""The ablation of DistilBERT: each of its losses left out, and a random start, as a sweep."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kdcore.errors import LabError, lookup
from kdcore.language.execution import Watch
from kdcore.language.plan import StudentPlan
from kdcore.language.runs import MaskedRun, MaskedStore
from kdcore.language.train import train
from kdcore.workspace import Workspace

FULL = "all three losses"
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "ablation": {
        FULL: {},
        "without soft labels": {"soft_weight": 0.0},
        "without hidden words": {"mlm_weight": 0.0},
        "without cosine": {"cosine_weight": 0.0},
        "random start": {"start": "random"},
        # ours: what the same student reaches without its teacher
        "no teacher, random start": {"start": "random", "soft_weight": 0.0, "cosine_weight": 0.0},
    }
}


@dataclass(frozen=True)
class Cell:
    """A student of a sweep: what was changed, and its run."""

    change: str
    run: MaskedRun


def preset(name: str) -> Mapping[str, Mapping[str, Any]]:
    """The changes of a preset by their names; UnknownNameError names the nearest one."""
    return lookup(PRESETS, name, "preset of masked-word students")


def cells(
    base: StudentPlan,
    changes: Mapping[str, Mapping[str, Any]],
    seeds: Sequence[int],
    group: str,
    workspace: Workspace,
) -> list[Cell]:
    """A run for each change and seed, named GROUP-change-seed; those that exist are used again."""
    store, out = MaskedStore(workspace), []
    for change, settings in changes.items():
        for seed in seeds:
            plan = replace(base, seed=seed, **settings)
            words = change.replace(",", "").replace(" ", "-")
            name = f"{group}-{words}-{seed}"
            out.append(Cell(change, store.find(name) or store.create(plan, name)))
    return out


def train_all(sweep: Sequence[Cell], workspace: Workspace, watch: Watch) -> Iterator[Cell]:
    """Train every cell that is not finished, one after another, and yield those that are.

    A cell that fails does not end the sweep; a stop does.
    """
    for number, cell in enumerate(sweep, 1):
        if cell.run.status().state != "finished":
            watch(f"{number}/{len(sweep)} {cell.change}, seed {cell.run.plan.seed}", cell.run)
            try:
                train(cell.run, workspace)
            except LabError:
                if cell.run.status().state == "stopped":
                    raise
                continue
        yield cell
