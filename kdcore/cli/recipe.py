"""`kdlab recipe`: the stages of a recipe as one pipeline, and the table at its end."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from kdcore.cli.kit.answer import NOTHING, cell, show, span, table
from kdcore.cli.kit.options import Json, Quiet
from kdcore.cli.kit.progress import Progress
from kdcore.cli.watching import LIVE
from kdcore.errors import ConfigError, RunError
from kdcore.experiments import pipeline
from kdcore.experiments.pipeline.estimates import total
from kdcore.workspace import plain_json, write_text_atomic
from kdcore.yaml_text import read_yaml

app = typer.Typer(
    help="The stages of a recipe in a row, from labels and a log to distilled students. A stage "
    "whose inputs have not changed is not run again; one that was stopped goes on.",
    no_args_is_help=True,
)
_NAME = typer.Argument(metavar="ID", help="a pipeline's id or its beginning")
Name = Annotated[str, _NAME]
Names = Annotated[list[str], _NAME]
MEASURED = Path("assets") / "measured" / "recipe.json"
To = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="where it goes")]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="also write the table as CSV")
]
Detach = Annotated[
    bool, typer.Option("--detach", help="let it run without this terminal; prints its id at once")
]
_SETS = (
    "a setting of a stage; may be given several times: --set student.training.epochs=3; "
    "models.student=cdssm sets the model of all stages of that student"
)
_PARTS = f"leave a part out; may be given several times: {', '.join(pipeline.PARTS)}"


Data = Annotated[str, typer.Option("--data", "-d", help="a data set or a path (default the world)")]
_LIMIT = (
    "most pairs of train and of validation; 0 takes all (default: all, but 2,000 with --small on "
    "data other than the world)"
)
Limit = Annotated[int | None, typer.Option(help=_LIMIT, min=0)]
Small = Annotated[bool, typer.Option("--small", help="fewer pairs: a few minutes on two cores")]
Seed = Annotated[int, typer.Option(help="seed of every stage", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 is torch's choice", min=0)]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help=_SETS)]
Without = Annotated[list[str] | None, typer.Option("--without", metavar="PART", help=_PARTS)]
Ablation = Annotated[
    bool,
    typer.Option("--ablation", help="also run it without each part in turn; equal stages run once"),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="print the stages with time and memory, run none")
]


def _command(recipe: pipeline.Recipe) -> Callable[..., None]:
    """The command that starts a recipe."""

    def start(
        data: Data = "",
        limit: Limit = None,
        small: Small = False,
        seed: Seed = 0,
        device: Device = "auto",
        threads: Threads = 0,
        sets: Sets = None,
        without: Without = None,
        ablation: Ablation = False,
        dry_run: DryRun = False,
        detach: Detach = False,
        to: Csv = None,
        quiet: Quiet = False,
        as_json: Json = False,
    ) -> None:
        planned = pipeline.plan(
            recipe.name,
            data=data,
            limit=limit,
            small=small,
            seed=seed,
            device=device,
            threads=threads,
            sets=_settings(sets or ()),
            without=without or (),
            ablation=ablation,
        )
        if dry_run:
            _print_plan(planned, as_json)
        else:
            _run(pipeline.create(planned), detach, to, quiet, as_json)

    start.__doc__ = f"{recipe.title}: {recipe.sentence[0].lower()}{recipe.sentence[1:]}"
    return start


for _each in pipeline.RECIPES.values():
    app.command(_each.name)(_command(_each))


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """List the pipelines of the workspace, newest first."""
    rows = []
    for each in pipeline.pipelines():
        state = pipeline.state(each)
        stages = f"{state.done} of {state.total}"
        rows.append({"id": each.id, "title": each.title, "state": state.state, "stages": stages})
    show(as_json, rows, table(rows) if rows else "No pipelines yet.")


@app.command("show")
def show_one(name: Name, to: Csv = None, as_json: Json = False) -> None:
    """Show how each stage of a pipeline stands, and the table of what is finished."""
    _print(pipeline.find(name), to, as_json)


@app.command()
def resume(
    name: Name,
    detach: Detach = False,
    to: Csv = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a pipeline: stages that stopped or failed resume from their checkpoints."""
    _run(pipeline.find(name), detach, to, quiet, as_json)


@app.command()
def stop(name: Name, as_json: Json = False) -> None:
    """Pause a pipeline: its running stages are stopped, and no further one begins."""
    one = pipeline.find(name)
    pipeline.pause(one)
    live = [s.name for s in pipeline.state(one).stages if s.state in LIVE]
    text = f"{one.id} is being paused; `kdlab recipe resume {one.id}` goes on."
    show(as_json, {"id": one.id, "stopping": live}, text)


@app.command("change")
def change_one(
    name: Name,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Change stages of a pipeline that is not running; they and what follows are run again."""
    one, again = pipeline.change(pipeline.find(name), _settings(sets or ()))
    text = f"{', '.join(again) or 'no stage'} will run again: `kdlab recipe resume {one.id}`."
    show(as_json, {"id": one.id, "again": again}, text)


@app.command("measured")
def write_measured(names: Names, to: To = MEASURED, as_json: Json = False) -> None:
    """Write finished pipelines into one file, which the page Recipe shows without their runs."""
    pipeline.write_measured([pipeline.find(name) for name in names], to)
    show(as_json, {"file": to, "pipelines": names}, f"written to {to}")


@app.command(hidden=True)
def drive(folder: Path) -> None:
    """Drive the pipeline in this folder; --detach and the app start this."""
    pipeline.drive(pipeline.Pipeline(folder))


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """Values by their paths from `stage.key=value`, each read as YAML."""
    values: dict[str, Any] = {}
    problems = []
    for text in texts:
        path, sign, value = text.partition("=")
        if not (sign and path.strip()):
            problems.append(f"--set {text}: write STAGE.KEY=VALUE")
            continue
        try:
            values[path.strip()] = read_yaml(value)
        except yaml.YAMLError:
            values[path.strip()] = value
    if problems:
        raise ConfigError("These settings cannot be read:", problems)
    return values


def _run(one: pipeline.Pipeline, detach: bool, to: Path | None, quiet: bool, as_json: bool) -> None:
    if detach:
        pipeline.start(one)
        show(as_json, {"id": one.id, "folder": one.folder}, one.id)
        return
    with Progress(quiet, as_json) as progress:
        progress.tell("read data")
        pipeline.drive(one, here=True, tell=progress.tell)
    if pipeline.state(one).state == "paused":
        raise RunError(f"{one.id} is paused; `kdlab recipe resume {one.id}` goes on")
    _print(one, to, as_json)


def _print_plan(plan: pipeline.Plan, as_json: bool) -> None:
    stages = pipeline.estimates(plan)
    rows = [
        {
            "stage": stage.name,
            "what": stage.kind,
            "after": ", ".join(stage.needs) or NOTHING,
            "pairs": each.pairs or NOTHING,
            "time": _duration(each.seconds),
            "memory": f"{each.memory_mb:,.0f} MB" if each.memory_mb > 0 else NOTHING,
            "basis": f"{each.basis} ({each.run})" if each.run else each.basis,
        }
        for stage, each in zip(plan.stages, stages, strict=True)
    ]
    seconds, low, high = total(stages)
    whole = f"{_duration(seconds)} ({_duration(low)} to {_duration(high)})"
    lines = [
        f"Data: {plan.data}. All stages one after the other take {whole}."
        if math.isfinite(seconds)
        else f"Data: {plan.data}. The whole time is unknown: some stages were never measured.",
        *plan.left_out,
    ]
    data = {"plan": plan.to_dict(), "estimates": stages}
    show(as_json, data, table(rows, right=("pairs", "time", "memory")), *lines)


def _print(one: pipeline.Pipeline, to: Path | None, as_json: bool) -> None:
    state, results = pipeline.state(one), pipeline.results(one)
    if to is not None:
        write_text_atomic(to, pipeline.results_csv(results))
    data = {
        "id": one.id,
        "plan": one.plan.to_dict(),
        "state": plain_json(state),
        "results": plain_json(results),
    }
    unfinished = [_stage_row(s) for s in state.stages if s.state != "finished"]
    parts = [table(unfinished)] if unfinished else []
    if results.rows:
        parts.append(table([_row(row) for row in results.rows]))
    if results.variants:
        parts.append(table([_row(row) for row in results.variants]))
    lines = [f"{each.stage}: {each.text}." for each in results.gains]
    lines += [f"Note: {note}" for note in results.notes]
    lines += [state.message] * bool(state.message)
    show(as_json, data, f"{one.id}: {one.title}, {state.state}", *parts, *lines)


def _stage_row(stage: pipeline.StageState) -> dict[str, Any]:
    step = f"{stage.step:,} of {stage.total_steps:,}" if stage.total_steps else NOTHING
    return {"stage": stage.name, "state": stage.state, "run": stage.run or NOTHING, "step": step}


def _row(row: pipeline.Row) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "model": row.title,
        "ROC-AUC [95 %]": span(row.value, row.low, row.high),
        "n": cell(row.n),
        "steps": cell(row.steps),
        "compared with": row.before or NOTHING,
        "difference [95 %]": span(row.delta, row.delta_low, row.delta_high),
        "verdict": row.verdict or NOTHING,
        "run": row.run,
    }


def _duration(seconds: float) -> str:
    """A time in a fitting unit: 40 s, 12 min, 3.5 h."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
