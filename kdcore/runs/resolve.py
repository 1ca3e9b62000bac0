"""Configs that hold in every folder: absolute paths, and settings taken from other runs."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from kdcore.config import DistillConfig, InferConfig, ModelConfig, StageConfig, TeacherConfig
from kdcore.config.executor import Place
from kdcore.data.answers.teaching import find_file
from kdcore.data.library import WORLD, is_imported
from kdcore.data.names import pairs_of
from kdcore.data.pairs import PairTable, part_of
from kdcore.data.sources.registry import HUB_PREFIX
from kdcore.errors import ConfigError
from kdcore.runs.loss_terms import read_leader
from kdcore.runs.machine import refuse_executor, refuse_too_many
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace, missing_folder

Config = TypeVar("Config", bound=StageConfig)
ITS_TEACHER = "teacher"  # as the run that a student starts from: the one that teaches it


def settled(config: Config, workspace: Workspace) -> Config:
    """The config with the relative paths of data and models made absolute where they exist.

    A student that starts from "teacher" starts from the run that teaches it.

    ConfigError when it asks for more of this machine than it has, or for a folder that is none.
    """
    models = {role: getattr(config, role, None) for role in ("model", "student")}
    problems = [
        f"{role}.checkpoint: {missing_folder(model.checkpoint)}"
        for role, model in models.items()
        if isinstance(model, ModelConfig) and missing_folder(model.checkpoint)
    ]
    if problems:
        raise ConfigError("This model cannot be used:", problems)
    changes: dict[str, Any] = {"data": whole(config.data, workspace)}
    for role, model in models.items():
        if isinstance(model, ModelConfig) and (model.checkpoint or os.sep in model.start_from):
            checkpoint, start = _absolute(model.checkpoint), model.start_from
            start = _absolute(start) if os.sep in start else start  # a run's id is no path
            changes[role] = replace(model, checkpoint=checkpoint, start_from=start)
    if isinstance(config, DistillConfig) and config.student.start_from == ITS_TEACHER:
        if len(config.teaching.runs) != 1:
            problem = (
                "student.start_from: the teacher is not a single run; name a run to start from"
            )
            raise ConfigError("This student cannot start from its teacher:", [problem])
        changes["student"] = replace(config.student, start_from=config.teacher)
    if isinstance(config, DistillConfig) and config.teaching.files:
        teaching = config.teaching
        names = tuple(find_file(name, changes["data"], workspace) for name in teaching.files)
        changes["teacher"] = replace(teaching, names=names).text
    refuse_too_many(config.device)
    if isinstance(config, InferConfig) and config.on:
        refuse_executor(Place.parse(config.on))
    return replace(config, **changes)


def resolved(config: DistillConfig, workspace: Workspace) -> DistillConfig:
    """`settled`, with the teacher named so that the workspace finds it; RunError without model."""
    runs = RunStore(workspace.runs)
    teaching = config.teaching.renamed(lambda name: runs.reference(runs.get(name).require_model()))
    return settled(replace(config, teacher=teaching.text), workspace)


def inherited(settings: Mapping[str, Any], role: str, workspace: Workspace) -> dict[str, Any]:
    """Settings with what they take from the run (itself or its name) in `role`: teacher or run.

    Data and limit are that run's unless they are set; other data without a set limit have none. Of
    several teachers it is the first; without an outside teacher, data and limit are the usual ones.
    Other imported data are scored with their splits as they lie. A run outside the workspace is
    named by its folder. RunError when it has no model yet.
    """
    named, runs = settings[role], RunStore(workspace.runs)
    if role != "teacher" or isinstance(named, Run):
        source = named if isinstance(named, Run) else runs.get(named)
        taken = _taken(settings, source, workspace) | {role: runs.reference(source)}
        as_is = role == "run" and _as_they_lie(taken, source, workspace)
        return taken | ({"as_is": True} if as_is else {})
    teaching = TeacherConfig.parse(named)
    teachers = {name: runs.get(name).require_model() for name in teaching.runs}
    renamed = teaching.renamed(lambda name: runs.reference(teachers[name]))
    first = next(iter(teachers.values()), None)
    return _taken(settings, first, workspace) | {role: renamed.text}


def _taken(settings: Mapping[str, Any], source: Run | None, workspace: Workspace) -> dict[str, Any]:
    data = (source.require_model().data if source else "") or WORLD
    taken = {**settings, "data": settings.get("data") or data}
    if settings.get("limit") is None:
        same = whole(str(taken["data"]), workspace) == whole(data, workspace)
        taken["limit"] = source.limit if source and same else 0
    return taken


def _as_they_lie(settings: Mapping[str, Any], source: Run, workspace: Workspace) -> bool:
    """Whether the splits of imported data are scored as they lie, as the app scores them.

    The run's own data are cut as they were for its training, and so are those of which `test` is
    asked for; whoever sets as_is, or scores in shards, has decided.
    """
    data, splits = str(settings["data"]), settings.get("splits")
    named = splits if isinstance(splits, list | tuple) else ()
    decided = settings.get("as_is") is not None or settings.get("on") or "test" in named
    own = whole(data, workspace) == whole(source.data, workspace)
    return not (decided or own or data.partition(":")[0] == WORLD)


def leading(run: Run) -> Run:
    """The run that trains this one: of a peer the run in whose steps it learns, else itself."""
    leader = read_leader(run.folder)
    return RunStore(run.folder.parent).get(leader) if leader else run


def pairs_of_run(run: Run, workspace: Workspace | None = None, *, log: bool = True) -> PairTable:
    """Load the pairs of a run; see `pairs_of` for where the data set is looked up, and for log."""
    own = Workspace(run.folder.absolute().parent.parent)
    return pairs_of(run.config, workspace, own, log=log)


def split_of(run: Run, split: str, workspace: Workspace | None = None) -> PairTable:
    """Load the pairs of a split on which a run was scored."""
    return part_of(pairs_of_run(run, workspace, log=split == "log"), split)


def whole(data: str, workspace: Workspace) -> str:
    """A data set's name as it is, an existing path absolute."""
    named = data.partition(":")[0] == WORLD or data.startswith(HUB_PREFIX)
    return data if named or is_imported(data, workspace) else _absolute(data)


def _absolute(text: str) -> str:
    path = os.path.expanduser(text)  # unlike Path's, it lets odd text pass
    return os.path.abspath(path) if path and os.path.exists(path) else text
