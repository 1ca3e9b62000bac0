"""A pipeline's folder: recipes/<id>/ of the workspace, every file replaced whole or not at all.

    plan.json     the plan, written once and again when a stage is changed
    runs.json     the run of each stage that has begun
    former.json   runs of stages that were changed and run again, each stage's oldest first
    driver.json   whether it should run or pause, the process that drives it, what went wrong

The results of a run are in the run's own folder only.
"""

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from kdcore.errors import LabError, RunError, UnknownNameError
from kdcore.experiments.launch import new_group
from kdcore.experiments.pipeline.stages import Plan
from kdcore.runs.record import is_alive, process_start
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace, new_folder, read_json, write_json_atomic

PLAN, RUNS, FORMER, DRIVER = "plan.json", "runs.json", "former.json", "driver.json"
Order = Literal["", "run", "pause"]


@dataclass(frozen=True, kw_only=True)
class Driver:
    """driver.json: the order ("" before the first start), the process, and why it gave up."""

    order: Order = ""
    pid: int | None = None
    process_start: float | None = None
    problem: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether the process that was written down still drives the pipeline."""
        return is_alive(self.pid, self.process_start)


@dataclass(frozen=True)
class Pipeline:
    """One start of a recipe. Its plan is read once; everything else is read at each call."""

    folder: Path

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def workspace(self) -> Workspace:
        """The workspace that holds its runs."""
        return Workspace(self.folder.absolute().parent.parent)

    @cached_property
    def _content(self) -> Mapping[str, Any]:
        content = read_json(self.folder / PLAN)
        if not content:
            raise RunError(f"{self.folder} is no pipeline: {PLAN} is missing or damaged")
        return content

    @cached_property
    def plan(self) -> Plan:
        """The plan; RunError or ConfigError when it cannot be read."""
        try:
            return Plan.from_dict(self._content["plan"])
        except (KeyError, TypeError, ValueError) as cause:
            raise RunError(f"{self.folder / PLAN} is damaged ({cause})") from cause

    @property
    def created(self) -> float:
        """When it was made, in seconds since the epoch."""
        return float(self._content.get("created", 0.0))

    @property
    def title(self) -> str:
        """The recipe's title, its size, its data and its seed."""
        plan = self.plan
        size = "small, " if plan.small else ""
        return f"{plan.title} ({size}{plan.data}, seed {plan.seed})"

    def with_plan(self, plan: Plan) -> "Pipeline":
        """Write another plan; returns the pipeline that has it."""
        write_json_atomic(self.folder / PLAN, {**self._content, "plan": plan.to_dict()})
        return Pipeline(self.folder)

    def run_ids(self) -> dict[str, str]:
        """The run of each stage that has begun, by the stage's name."""
        return {str(k): str(v) for k, v in read_json(self.folder / RUNS).items()}

    def runs(self) -> dict[str, Run]:
        """The runs of the stages that have begun and whose folders are there."""
        store, runs = RunStore(self.workspace.runs), {}
        for stage, run_id in self.run_ids().items():
            if (store.root / run_id).is_dir():
                runs[stage] = Run.load(store.root / run_id)
        return runs

    def set_runs(self, runs: Mapping[str, str]) -> None:
        """Write down the run of each stage."""
        write_json_atomic(self.folder / RUNS, dict(runs))

    def former(self) -> dict[str, list[str]]:
        """The earlier runs of stages that run again, by the stage's name, oldest first."""
        content = read_json(self.folder / FORMER)
        return {str(k): [*map(str, v)] for k, v in content.items() if isinstance(v, list)}

    def keep_former(self, stages: Collection[str]) -> None:
        """Write down the runs of stages that are about to let go of them."""
        former = self.former()
        for name, run in self.run_ids().items():
            if name in stages:
                former[name] = [*(r for r in former.get(name, []) if r != run), run]
        write_json_atomic(self.folder / FORMER, former)

    def driver(self) -> Driver:
        """The driver, as it was last written."""
        content = read_json(self.folder / DRIVER)
        with suppress(TypeError):
            return Driver(**content)
        return Driver()

    def order(self, order: Order, pid: int | None = None) -> None:
        """Write that it should run, or pause; pid: of the process that was started to drive it."""
        driver = replace(self.driver(), order=order)
        if pid is not None:
            driver = Driver(order=order, pid=pid, process_start=process_start(pid))
        write_json_atomic(self.folder / DRIVER, asdict(driver))

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Drive it in this process; RunError when another process does.

        An error in the block is written to driver.json.
        """
        try:
            lock = FileLock(self.folder / ".driver", timeout=0)
            lock.acquire()
        except Timeout:
            raise RunError(
                f"{self.id} is already driven by process {self.driver().pid}; pause it first"
            ) from None
        driver = Driver(order="run", pid=os.getpid(), process_start=process_start(os.getpid()))
        write_json_atomic(self.folder / DRIVER, asdict(driver))
        problem = ""
        try:
            yield
        except LabError as error:
            problem = str(error)
            raise
        finally:
            after = replace(self.driver(), pid=None, process_start=None, problem=problem)
            write_json_atomic(self.folder / DRIVER, asdict(after))
            lock.release()

    def is_driven(self) -> bool:
        """Whether a process drives it now."""
        return self.driver().is_alive


def create(
    plan: Plan, workspace: Workspace | None = None, *, name: str = "", created: float = 0.0
) -> Pipeline:
    """Make the folder of a pipeline; nothing runs yet.

    name: its id, "" for a new one. created: in seconds since the epoch, 0 for now.
    """
    root = (workspace or Workspace.default()).recipes
    folder = root / (name or f"{new_group()}-{plan.recipe}")
    content = {"created": created or time.time(), "plan": plan.to_dict()}
    with new_folder(folder) as fresh:
        write_json_atomic(fresh / PLAN, content)
    return Pipeline(folder)


def pipelines(workspace: Workspace | None = None) -> list[Pipeline]:
    """The pipelines of a workspace, newest first."""
    root = (workspace or Workspace.default()).recipes
    folders = [path for path in root.glob("*") if (path / PLAN).is_file()] if root.is_dir() else []
    return sorted(map(Pipeline, folders), key=lambda each: (each.created, each.id), reverse=True)


def find(name: str, workspace: Workspace | None = None) -> Pipeline:
    """A pipeline by its id, or by a beginning that only one has; UnknownNameError without one."""
    every = pipelines(workspace)
    matches = [each for each in every if name and each.id.startswith(name)]
    exact = [each for each in matches if each.id == name]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if matches:
        several = ", ".join(each.id for each in matches[:5])
        raise UnknownNameError(
            f"{len(matches)} pipelines begin with {name!r}: {several}; write more of the id"
        )
    hint = "`kdlab recipe list` shows them" if every else "there is none yet"
    raise UnknownNameError(f"no pipeline is called {name!r}: {hint}")


def delete(pipeline: Pipeline) -> None:
    """Remove a pipeline's folder; its runs stay. RunError while it is driven."""
    refuse_driven(pipeline, "deleted")
    shutil.rmtree(pipeline.folder)


def refuse_driven(pipeline: Pipeline, verb: str) -> None:
    """RunError when a process drives the pipeline."""
    if pipeline.is_driven():
        raise RunError(f"{pipeline.id} is running; pause it before it is {verb}")
