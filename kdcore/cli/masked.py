"""`kdlab masked`: language models that fill gaps, and DistilBERT's way to make a small one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.options import Given, Json, Quiet, Setting, configured, knob_settings
from kdcore.cli.kit.progress import Progress
from kdcore.errors import ConfigError, RunError
from kdcore.experiments.options import KnobOption
from kdcore.language import fetch
from kdcore.language.plan import MaskedPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import MaskedRun, MaskedStore
from kdcore.runs.metric_lines import latest_numbers
from kdcore.workspace import Workspace

app = typer.Typer(help="Train and distill language models that fill gaps (BERT, DistilBERT).")
CURVES = ("loss", "soft", "mlm", "cosine")

Name = Annotated[str, typer.Option("--name", "-n", help="what the model is called")]
Model = Annotated[str, typer.Argument(metavar="NAME", help="a model's name")]


def _options(kind: type[MaskedPlan], names: str, panel: str) -> dict[str, Setting]:
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


@app.command()
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


@app.command()
@configured(
    f"name teacher {_COMMON} layers start copied {_LOSSES} {_LEARNING} config sets",
    STUDENT,
)
def distill(given: Given, name: Name = "") -> None:
    """Train a DistilBERT: copied layers, soft labels, hidden words and the last hidden states.

    Data are the teacher's unless given. For example:
    kdlab masked distill --teacher big --name small
    """
    plan = _student(given)
    if not given.printed(plan):
        _train(plan, name, given)


def _student(given: Given) -> StudentPlan:
    """The plan of the options; data and texts are those of a teacher of this workspace."""
    named = given.values.get("teacher") or ""
    source = MaskedStore(Workspace.default()).find(named) if named else None
    start = {} if source is None else {"data": source.plan.data, "texts": source.plan.texts}
    return given.settings(StudentPlan, start).build()


def _train(plan: MaskedPlan, name: str, given: Given) -> None:
    workspace = Workspace.default()
    if isinstance(plan, StudentPlan):  # a teacher that is not there should leave no failed run
        fetch(MaskedStore(workspace).teacher_of(plan))
    run = MaskedStore(workspace).create(plan, name)
    _carry_out(run, workspace, given.quiet, given.as_json)


def _carry_out(run: MaskedRun, workspace: Workspace, quiet: bool, as_json: bool) -> None:
    from kdcore.language.train import train

    with Progress(quiet, as_json) as progress:
        progress.tell(run.plan.stage, run)
        train(run, workspace)
    _print(run, as_json)


@app.command()
def resume(name: Model, quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped, failed or lost training from its last checkpoint."""
    workspace = Workspace.default()
    run = MaskedStore(workspace).get(name)
    if run.status().state == "finished":
        raise ConfigError(f"{name} is finished; there is nothing to go on with")
    _carry_out(run, workspace, quiet, as_json)


@app.command()
def stop(name: Model, as_json: Json = False) -> None:
    """Stop a training that runs elsewhere at its next step; its checkpoint is kept."""
    run = MaskedStore(Workspace.default()).get(name)
    state = run.status().state
    if state != "running":
        raise RunError(f"{name} is {state}: there is nothing to stop")
    run.request_stop()
    show(as_json, {"name": name, "before": state}, f"{name} saves and stops at its next step")


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List every masked-word model with what was measured of it."""
    store = MaskedStore(Workspace.default())
    models = store.models()
    rows = [_row(run) for run in models]
    empty = f"There is no masked-word model yet in {store.root}; `kdlab masked teacher` makes one."
    shown = table(rows, right=("weights",)) if rows else empty
    show(as_json, {"models": [_data(run) for run in models]}, shown)


@app.command("show")
def show_model(name: Model, as_json: Json = False) -> None:
    """Show a model's state, its losses and what was measured of it."""
    _print(MaskedStore(Workspace.default()).get(name), as_json)


@app.command()
def delete(name: Model, as_json: Json = False) -> None:
    """Move a model to the trash, where it stays for a week."""
    MaskedStore(Workspace.default()).delete(name)
    back = f"`kdlab masked restore {name}` takes it back"
    show(as_json, {"deleted": name}, f"{name} is in the trash for a week; {back}")


@app.command()
def restore(name: Model, as_json: Json = False) -> None:
    """Take a deleted model out of the trash."""
    run = MaskedStore(Workspace.default()).restore(name)
    show(as_json, _data(run), f"{name} is back, {run.status().state}")


Preset = Annotated[str, typer.Option("--preset", help="ablation: each loss left out, random start")]
Seeds = Annotated[str, typer.Option("--seeds", metavar="A,B,C", help="seeds of every cell")]
Group = Annotated[str, typer.Option("--group", help="how the names of its models begin")]


@app.command()
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
    rows = [{"change": each.change, "seed": each.run.plan.seed, **_row(each.run)} for each in sweep]
    for row in rows:
        row.pop("model")
    data = [{"change": each.change, **_data(each.run)} for each in sweep]
    show(given.as_json, {"group": group, "cells": data}, table(rows, right=("seed", "weights")))
    if len(done) < len(sweep):
        raise RunError(f"{len(sweep) - len(done)} of {len(sweep)} trainings did not finish")


def _numbers(text: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise ConfigError(f"--seeds {text}: write whole numbers, as 0,1,2") from None


def _data(run: MaskedRun) -> dict[str, Any]:
    status = run.status()
    return {
        "name": run.id,
        "stage": run.plan.stage,
        "state": status.state,
        "message": status.message,
        "step": status.step,
        "plan": run.plan.to_dict(),
        "results": run.results,
        "folder": run.folder,
        "model": run.model_folder,
    }


def _row(run: MaskedRun) -> dict[str, Any]:
    results = run.results
    return {
        "model": run.id,
        "state": run.status().state,
        "data": run.plan.data,
        "weights": results.get("weights"),
        "masked-word accuracy [95 %]": _span(results.get("accuracy")),
        "share of the teacher's [95 %]": _span(results.get("accuracy_kept")),
    }


def _span(share: Mapping[str, Any] | None) -> str:
    return cell(None) if not share else span(share["value"], share["low"], share["high"])


def _print(run: MaskedRun, as_json: bool) -> None:
    """A model's state, the first and last value of every curve, and its results."""
    status, lines = run.status(), run.metrics()
    message = f": {status.message}" if status.message else ""
    losses = [_curve(name, lines) for name in CURVES if any(name in line for line in lines)]
    texts = [f"{run.id} is {status.state}{message}"]
    texts += [f"step {status.step:,} of {status.total_steps:,}"] if status.total_steps else []
    results = run.results
    if results:
        count = f"{results['hidden_words']:,} hidden words of {results['texts']:,} unseen texts"
        texts.append(f"masked-word accuracy: {_span(results['accuracy'])} ({count})")
    if "accuracy_kept" in results:
        texts.append(f"its teacher's: {_span(results['teacher_accuracy'])}")
        texts.append(f"share kept: {_span(results['accuracy_kept'])}")
    if status.state == "finished":
        texts.append(f"open it on the page Masked word: {run.model_folder}")
    tables = [table(losses, right=("first", "last"))] if losses else []
    last = latest_numbers(run.folder)
    show(as_json, {**_data(run), "last": last}, *tables, "\n".join(texts))


def _curve(name: str, lines: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    values = [line[name] for line in lines if name in line]
    return {"curve": name, "first": values[0], "last": values[-1], "points": len(values)}


OUT = Path("assets") / "measured" / "distilbert.json"
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="where the result goes")]


@app.command()
def measure(out: Out = OUT, quiet: Quiet = False, as_json: Json = False) -> None:
    """Measure DistilBERT on the bundled world: what the page Masked word shows beside the paper.

    Trains a teacher, its students (three seeds, and the ablation) and fine-tunes both on labelled
    pairs; takes about 20 minutes on one core. What is trained stays in the workspace's cache, so
    that a stopped measurement goes on and a second one only measures.
    """
    from kdcore.language.published import measure as measure_all

    with Progress(quiet, as_json) as progress:
        card = measure_all(out.absolute(), Workspace.default(), progress.tell)
    weights, ms = card["weights"], {role: card["latency"][role] for role in ("teacher", "student")}
    shares = {
        "masked-word accuracy kept": card["masked_words"]["kept"],
        "ROC-AUC kept": card["roc_auc"]["kept"],
        "speedup of the median": card["latency"]["speedup"],
    }
    rows = [{"": name, "value [95 %]": _span(asdict(s)), "n": s.n} for name, s in shares.items()]
    lines = [
        f"weights: {weights['student']:,} of {weights['teacher']:,}",
        *(f"{role}: p50 {t['p50_ms']:.2f} ms, p95 {t['p95_ms']:.2f} ms" for role, t in ms.items()),
        f"written to {out}",
    ]
    show(as_json, card, table(rows, right=("n",)), *lines)
