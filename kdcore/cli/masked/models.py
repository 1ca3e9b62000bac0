"""The masked-word models of a workspace: list, show, stop, delete, restore."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.options import Json
from kdcore.errors import RunError
from kdcore.language.plan import StorePlan
from kdcore.language.runs import MaskedRun, MaskedStore
from kdcore.runs.metric_lines import latest_numbers
from kdcore.workspace import Workspace

CURVES = ("loss", "soft", "mlm", "cosine")
Model = Annotated[str, typer.Argument(metavar="NAME", help="a model's name")]


def stop(name: Model, as_json: Json = False) -> None:
    """Stop a training that runs elsewhere at its next step; its checkpoint is kept."""
    run = MaskedStore(Workspace.default()).get(name)
    state = run.status().state
    if state != "running":
        raise RunError(f"{name} is {state}: there is nothing to stop")
    run.request_stop()
    show(as_json, {"name": name, "before": state}, f"{name} saves and stops at its next step")


def list_models(as_json: Json = False) -> None:
    """List every masked-word model with what was measured of it."""
    store = MaskedStore(Workspace.default())
    models = store.models()
    rows = [row_of(run) for run in models]
    empty = f"There is no masked-word model yet in {store.root}; `kdlab masked teacher` makes one."
    shown = table(rows, right=("weights",)) if rows else empty
    show(as_json, {"models": [data_of(run) for run in models]}, shown)


def show_model(name: Model, as_json: Json = False) -> None:
    """Show a model's state, its losses and what was measured of it."""
    print_model(MaskedStore(Workspace.default()).get(name), as_json)


def delete(name: Model, as_json: Json = False) -> None:
    """Move a model to the trash, where it stays for a week."""
    MaskedStore(Workspace.default()).delete(name)
    back = f"`kdlab masked restore {name}` takes it back"
    show(as_json, {"deleted": name}, f"{name} is in the trash for a week; {back}")


def restore(name: Model, as_json: Json = False) -> None:
    """Take a deleted model out of the trash."""
    run = MaskedStore(Workspace.default()).restore(name)
    show(as_json, data_of(run), f"{name} is back, {run.status().state}")


def data_of(run: MaskedRun) -> dict[str, Any]:
    """A model as --json prints it."""
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
        "store": run.store_folder if isinstance(run.plan, StorePlan) else None,
    }


def row_of(run: MaskedRun) -> dict[str, Any]:
    """A model as a row of a table."""
    results = run.results
    return {
        "model": run.id,
        "state": run.status().state,
        "data": run.plan.data,
        "weights": results.get("weights"),
        "masked-word accuracy [95 %]": interval(results.get("accuracy")),
        "share of the teacher's [95 %]": interval(results.get("accuracy_kept")),
    }


def interval(share: Mapping[str, Any] | None) -> str:
    """A share with its interval; a dash without one."""
    return cell(None) if not share else span(share["value"], share["low"], share["high"])


def print_model(run: MaskedRun, as_json: bool) -> None:
    """A model's state, the first and last value of every curve, and its results."""
    status, lines = run.status(), run.metrics()
    message = f": {status.message}" if status.message else ""
    losses = [_curve(name, lines) for name in CURVES if any(name in line for line in lines)]
    texts = [f"{run.id} is {status.state}{message}"]
    texts += [f"step {status.step:,} of {status.total_steps:,}"] if status.total_steps else []
    results = run.results
    if "positions" in results:
        texts += _stored(results)
    elif results:
        count = f"{results['hidden_words']:,} hidden words of {results['texts']:,} unseen texts"
        texts.append(f"masked-word accuracy: {interval(results['accuracy'])} ({count})")
    if "accuracy_kept" in results:
        texts.append(f"its teacher's: {interval(results['teacher_accuracy'])}")
        texts.append(f"share kept: {interval(results['accuracy_kept'])}")
    if status.state == "finished" and not isinstance(run.plan, StorePlan):
        texts.append(f"open it on the page Masked word: {run.model_folder}")
    tables = [table(losses, right=("first", "last"))] if losses else []
    last = latest_numbers(run.folder)
    show(as_json, {**data_of(run), "last": last}, *tables, "\n".join(texts))


def _stored(results: Mapping[str, Any]) -> list[str]:
    """What a store holds, in sentences."""
    k, classes, each = results["k"], results["classes"], results["bytes_per_position"]
    return [
        f"{k:,} of {classes:,} logits at {results['positions']:,} hidden words: {each:,} bytes "
        f"each, {results['bytes'] / 1e6:,.1f} MB together",
        f"they hold {results['kept_mass']:.1%} of the teacher's probability at T = 1 (the least of "
        f"a word: {results['least_kept_mass']:.1%}); KL from all logits, the rest spread evenly: "
        f"{results['kl_full_rebuilt']:.4f} nats",
        "a student learns from it with `kdlab masked distill --store NAME`",
    ]


def _curve(name: str, lines: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    values = [line[name] for line in lines if name in line]
    return {"curve": name, "first": values[0], "last": values[-1], "points": len(values)}
