"""Finished pipelines as plain data, so that a page can show them without their runs."""

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kdcore.data.library import WORLD
from kdcore.errors import DataError, RunError
from kdcore.evaluation.gap import GapRecovered
from kdcore.experiments.pipeline.folder import Pipeline
from kdcore.experiments.pipeline.results import Gain, Results, Row, results
from kdcore.experiments.pipeline.stages import Plan
from kdcore.experiments.pipeline.state import PipelineState, StageState, state
from kdcore.workspace import read_json, write_json_atomic


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A finished pipeline that was measured before: none of its runs need be here.

    name: recipe, size and seed, and "ablation" where it has one. command: carries it out again.
    day: when it was created. machine: where its table was made.
    """

    name: str
    command: str
    day: str
    machine: str
    versions: Mapping[str, str]
    plan: Plan
    state: PipelineState
    results: Results


def write_measured(pipelines: Sequence[Pipeline], file: Path) -> None:
    """Write finished pipelines with their tables into a file that read_measured reads.

    RunError names those that are not finished.
    """
    states = [state(each) for each in pipelines]
    unfinished = [p.id for p, s in zip(pipelines, states, strict=True) if s.state != "finished"]
    if unfinished or not pipelines:
        raise RunError(f"Only finished pipelines can be written: {', '.join(unfinished) or 'none'}")
    measured = [
        asdict(_measured(each, stands)) for each, stands in zip(pipelines, states, strict=True)
    ]
    write_json_atomic(file, {"pipelines": measured})


def read_measured(file: Path) -> tuple[Measured, ...]:
    """The pipelines of a file; () where there is none, DataError when it cannot be read."""
    content = read_json(file)
    try:
        return tuple(_read(each) for each in content.get("pipelines", ()))
    except (KeyError, TypeError, ValueError) as cause:
        raise DataError(f"{file.name} does not hold measured pipelines: {cause!r}") from cause


def _measured(pipeline: Pipeline, stands: PipelineState) -> Measured:
    """A finished pipeline without the ids of its runs, which mean nothing elsewhere."""
    plan, table = pipeline.plan, results(pipeline)
    size = "small" if plan.small else "full"
    stages = tuple(replace(stage, run="", taken=False) for stage in stands.stages)
    rows, variants = map(_without_runs, (table.rows, table.variants))
    return Measured(
        name="-".join([plan.recipe, size, str(plan.seed), *["ablation"] * plan.ablation]),
        command=_command(plan),
        day=datetime.fromtimestamp(pipeline.created, UTC).date().isoformat(),
        machine=f"{platform.machine() or 'CPU'}, {os.cpu_count()} cores",
        versions={name: version(name) for name in ("kdlab", "torch", "transformers")},
        plan=plan,
        state=replace(stands, stages=stages),
        results=replace(table, rows=rows, variants=variants),
    )


def _without_runs(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(replace(row, run="") for row in rows)


def _command(plan: Plan) -> str:
    """The command that carries a plan out again, where no single stage was changed."""
    data = "" if plan.data.partition(":")[0] == WORLD else f" --data {plan.data}"
    parts = "".join(f" --without {part}" for part in plan.without)
    small, ablation = " --small" * plan.small, " --ablation" * plan.ablation
    return f"kdlab recipe {plan.recipe}{small}{data}{parts}{ablation} --seed {plan.seed}"


def _read(data: Mapping[str, Any]) -> Measured:
    stages = tuple(_typed(StageState, each) for each in data["state"]["stages"])
    table = data["results"]
    rows = {n: tuple(_typed(Row, each) for each in table[n]) for n in ("rows", "variants")}
    gains = tuple(Gain(**{**g, "gap": _typed(GapRecovered, g["gap"])}) for g in table["gains"])
    results = {**table, **rows, "gains": gains, "notes": tuple(table["notes"])}
    return Measured(
        **{
            **data,
            "plan": Plan.from_dict(data["plan"]),
            "state": PipelineState(**{**data["state"], "stages": stages}),
            "results": Results(**results),
        }
    )


def _typed(kind: type[Any], data: Mapping[str, Any]) -> Any:
    """A dataclass from its fields; a number that JSON cannot write is null there, and nan here."""
    numbers = {name for name, spec in kind.__dataclass_fields__.items() if spec.type is float}
    return kind(**{k: math.nan if v is None and k in numbers else v for k, v in data.items()})
