"""The commands that train masked-word models or store logits: teacher, store, distill, sweep."""

from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import show, table
from kdcore.cli.kit.options import Given, Json, Quiet, Setting, configured, knob_settings
from kdcore.cli.kit.progress import Progress
from kdcore.cli.masked.models import Model, data_of, print_model, row_of
from kdcore.errors import ConfigError, RunError
from kdcore.experiments.options import KnobOption
from kdcore.language import fetch
from kdcore.language.plan import Plan, StorePlan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import MaskedRun, MaskedStore
from kdcore.workspace import Workspace

Name = Annotated[str, typer.Option("--name", "-n", help="name of the model or store")]


def _options(kind: type[Plan], names: str, panel: str) -> dict[str, Setting]:
    return knob_settings({name: KnobOption(kind, name, panel=panel) for name in names.split()})


_COMMON = "data texts seed device threads"
_LEARNING = "steps batch_size learning_rate"
TEACHER = {
    **_options(TeacherPlan, _COMMON, ""),
    **_options(TeacherPlan, "layers hidden heads vocabulary", "Model"),
    **_options(TeacherPlan, _LEARNING, "Training"),
}
_LOSSES = "soft_weight mlm_weight cosine_weight temperature only_hidden"
STUDENT = {
    **_options(StudentPlan, f"teacher {_COMMON}", ""),
    **_options(StudentPlan, "layers start copied", "Model"),
    **_options(StudentPlan, _LOSSES, "Losses"),
    **_options(StudentPlan, _LEARNING, "Training"),
}
STORED = {
    **STUDENT,
    **_options(StoreStudentPlan, "store", ""),
    **_options(StoreStudentPlan, "architecture hidden heads", "Model"),
    **_options(StoreStudentPlan, "rest", "Losses"),
}
STORE = {
    **_options(StorePlan, f"teacher k {_COMMON}", ""),
    **_options(StorePlan, "rounds layers shard_texts", ""),
}


@configured(
    f"name {_COMMON} layers hidden heads vocabulary {_LEARNING} config sets",
    TEACHER,
)
def teacher(given: Given, name: Name = "") -> None:
    """Train a BERT on hidden words.

    For example: kdlab masked teacher --name big --data world --layers 4
    """
    plan = given.settings(TeacherPlan, {}).build()
    if not given.printed(plan):
        _train(plan, name, given)


@configured(
    f"name teacher store {_COMMON} layers start copied architecture hidden heads {_LOSSES} rest "
    f"{_LEARNING} config sets",
    STORED,
)
def distill(given: Given, name: Name = "") -> None:
    """Train a DistilBERT: copied layers, soft labels, hidden words and the last hidden states.

    With --store it learns from a store alone: no teacher and no data are read. Data are the
    teacher's unless given. For example:
    kdlab masked distill --teacher big --name small
    kdlab masked distill --store top20 --name small
    """
    plan = _student_of_store(given) if given.values.get("store") else _student(given)
    if not given.printed(plan):
        _train(plan, name, given)


@configured(f"name teacher k {_COMMON} rounds layers shard_texts config sets", STORE)
def store(given: Given, name: Name = "") -> None:
    """Store a teacher's k largest logits at hidden words, for students to learn from.

    The store also holds the texts, the tokenizer, layers of the teacher to start from, and unseen
    texts to measure on, so that a student needs nothing else. For example:
    kdlab masked store --teacher big --k 20 --name top20
    """
    plan = given.settings(StorePlan, _start_of(given)).build()
    if not given.printed(plan):
        _train(plan, name, given)


def _student_of_store(given: Given) -> StoreStudentPlan:
    """The plan of the options; data and texts are those of the store."""
    from kdcore.language.topk.store import TopKStore

    folder = MaskedStore(Workspace.default()).store_of(str(given.values["store"]))
    manifest = TopKStore.open(folder).manifest
    start = {"data": manifest["data"], "texts": manifest["texts"]}
    return given.settings(StoreStudentPlan, start).build()


def _student(given: Given) -> StudentPlan:
    """The plan of the options; data and texts are those of a teacher of this workspace."""
    return given.settings(StudentPlan, _start_of(given)).build()


def _start_of(given: Given) -> dict[str, Any]:
    """The data and texts of the teacher that the options name, if it is one of this workspace."""
    named = given.values.get("teacher") or ""
    source = MaskedStore(Workspace.default()).find(named) if named else None
    return {} if source is None else {"data": source.plan.data, "texts": source.plan.texts}


def _train(plan: Plan, name: str, given: Given) -> None:
    workspace = Workspace.default()
    if isinstance(plan, StudentPlan | StorePlan):  # a missing teacher leaves no failed run
        fetch(MaskedStore(workspace).teacher_of(plan))
    run = MaskedStore(workspace).create(plan, name)
    _carry_out(run, workspace, given.quiet, given.as_json)


def _carry_out(run: MaskedRun, workspace: Workspace, quiet: bool, as_json: bool) -> None:
    from kdcore.language.topk.write import write
    from kdcore.language.train import train

    work = write if isinstance(run.plan, StorePlan) else train
    with Progress(quiet, as_json) as progress:
        progress.tell(run.plan.stage, run)
        work(run, workspace)
    print_model(run, as_json)


def resume(name: Model, quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped, failed or lost training or store from what it has saved."""
    workspace = Workspace.default()
    run = MaskedStore(workspace).get(name)
    if run.status().state == "finished":
        raise ConfigError(f"{name} is finished; there is nothing to go on with")
    _carry_out(run, workspace, quiet, as_json)


Preset = Annotated[str, typer.Option("--preset", help="ablation: each loss left out, random start")]
Seeds = Annotated[str, typer.Option("--seeds", metavar="A,B,C", help="seeds of every cell")]
Group = Annotated[str, typer.Option("--group", help="how the names of its models begin")]


@configured(
    f"preset seeds group teacher {_COMMON} layers copied {_LOSSES} {_LEARNING} config sets",
    STUDENT,
)
def sweep(
    given: Given, preset: Preset = "ablation", seeds: Seeds = "0", group: Group = "ablation"
) -> None:
    """Train students that differ in one thing, and compare them in a table.

    Trained cells are used again, so a stopped sweep goes on by the same command. For example:
    kdlab masked sweep --preset ablation --teacher big --seeds 0,1,2
    """
    from kdcore.language.ablation import cells, train_all
    from kdcore.language.ablation import preset as changes_of

    workspace, base, changes = Workspace.default(), _student(given), changes_of(preset)
    if given.printed(base):
        return
    sweep = cells(base, changes, _numbers(seeds), group, workspace)
    with Progress(given.quiet, given.as_json) as progress:
        done = [each.run for each in train_all(sweep, workspace, progress.tell)]
    rows = [
        {"change": each.change, "seed": each.run.plan.seed, **row_of(each.run)} for each in sweep
    ]
    for row in rows:
        row.pop("model")
    data = [{"change": each.change, **data_of(each.run)} for each in sweep]
    show(given.as_json, {"group": group, "cells": data}, table(rows, right=("seed", "weights")))
    if len(done) < len(sweep):
        raise RunError(f"{len(sweep) - len(done)} of {len(sweep)} trainings did not finish")


def _numbers(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise ConfigError(f"--seeds {text}: write whole numbers, such as 0,1,2") from None
