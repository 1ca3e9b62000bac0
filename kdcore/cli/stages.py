"""The stages one by one: finetune, infer, distill, evaluate, predict."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit import settings as s
from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.running import train
from kdcore.config import DistillConfig, FinetuneConfig, InferConfig, ModelConfig, to_dict

Model = Annotated[str | None, s.model_option("--model", "what is trained", "bert_teacher")]
Student = Annotated[str | None, s.model_option("--student", "what learns", "twinbert_cos")]
Teacher = Annotated[
    str | None, typer.Option("--teacher", metavar="RUN", help="the run that teaches")
]
_DETACH = (
    "let it run without this terminal; prints its id at once. The queue's two processes stay for "
    "ten minutes after the last run, so that the next one starts at once"
)
Detach = Annotated[bool, typer.Option("--detach", help=_DETACH)]
RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="a run's id, its beginning, or its folder")
]


def finetune(
    context: typer.Context,
    data: s.Data = None,
    model: Model = None,
    limit: s.Limit = None,
    seed: s.Seed = None,
    device: s.Device = None,
    threads: s.Threads = None,
    epochs: s.Epochs = None,
    batch_size: s.BatchSize = None,
    learning_rate: s.LearningRate = None,
    loss: s.HardLoss = None,
    label_smoothing: s.Smoothing = None,
    config: s.ConfigFile = None,
    sets: s.Sets = None,
    detach: Detach = False,
    print_config: s.PrintConfig = False,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Train a model on hard labels: a teacher, or a student's twin without a teacher."""
    own = {name: (name,) for name in ("model", "loss", "label_smoothing")}
    start = {"model": to_dict(ModelConfig.parse("bert_teacher"))}
    places = {**s.COMMON, **s.TRAINING, **own}
    made = s.Settings.gather(FinetuneConfig, start, context, places).build()
    if not s.printed(made, print_config, as_json):
        train(made, detach, quiet, as_json)


def distill(
    context: typer.Context,
    teacher: Teacher = None,
    student: Student = None,
    data: s.Data = None,
    limit: s.Limit = None,
    seed: s.Seed = None,
    device: s.Device = None,
    threads: s.Threads = None,
    method: s.MethodName = None,
    loss: s.SoftLoss = None,
    temperature: s.Temperature = None,
    soft_weight: s.SoftWeight = None,
    hard_weight: s.HardWeight = None,
    transfer: s.Transfer = None,
    label_smoothing: s.Smoothing = None,
    epochs: s.Epochs = None,
    batch_size: s.BatchSize = None,
    learning_rate: s.LearningRate = None,
    config: s.ConfigFile = None,
    sets: s.Sets = None,
    detach: Detach = False,
    print_config: s.PrintConfig = False,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Train a student on a teacher's soft labels; data and limit are the teacher's unless told."""
    own = {name: (name,) for name in ("teacher", "student", "label_smoothing")}
    start = {"student": to_dict(ModelConfig.parse("twinbert_cos")), "method": {"name": "response"}}
    places = {**s.COMMON, **s.TRAINING, **own, **s.DISTILLING}
    settings = s.Settings.gather(DistillConfig, start, context, places)
    inherit(settings, "teacher")
    made = settings.build()
    if not s.printed(made, print_config, as_json):
        train(made, detach, quiet, as_json)


def infer(
    context: typer.Context,
    run: RunId,
    data: s.Data = None,
    limit: s.Limit = None,
    split: Annotated[
        list[str] | None, typer.Option("--split", help="only this split; again for more")
    ] = None,
    batch_size: s.AskedAtOnce = None,
    device: s.Device = None,
    threads: s.Threads = None,
    config: s.ConfigFile = None,
    sets: s.Sets = None,
    print_config: s.PrintConfig = False,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Score every pair of a data set with a run's model; the logits are kept as a new run."""
    own = {"run": ("run",), "batch_size": ("batch_size",)}
    settings = s.Settings.gather(InferConfig, {}, context, {**s.COMMON, **own})
    if split:
        settings.put(["splits"], list(split))
    inherit(settings, "run")
    made = settings.build()
    if not s.printed(made, print_config, as_json):
        train(made, False, quiet, as_json)


def inherit(settings: s.Settings[Any], role: str) -> None:
    """What the other run tells; a setting that is wrong is left for the check of all of them."""
    from kdcore import lab

    values = settings.values
    limit, data = values.get("limit"), values.get("data", "")
    if isinstance(values.get(role), str) and values[role] and isinstance(data, str):
        values |= lab.inherited({role: values[role], "data": data, "limit": limit}, role)


def evaluate(
    run: RunId,
    split: Annotated[str, typer.Option("--split", help="the pairs to measure on")] = "test",
    teacher: Annotated[
        str | None,
        typer.Option("--teacher", metavar="RUN", help="measure the agreement with this run, too"),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RUN", help="is RUN better than this one?")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="where the run and the teacher are compared")
    ] = 2.0,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="write the table as CSV")
    ] = None,
    per_query: Annotated[
        Path | None, typer.Option("--per-query", metavar="FILE", help="write a CSV row a query")
    ] = None,
    trec: Annotated[
        Path | None,
        typer.Option("--trec", metavar="DIR", help="write run and qrels for trec_eval"),
    ] = None,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Measure a run on a split: every metric with its interval and what it is over."""
    from kdcore.cli.evaluate import Request
    from kdcore.cli.evaluate import evaluate as evaluate_run

    request = Request(run, split, teacher, against, temperature, csv, per_query, trec)
    evaluate_run(request, quiet, as_json)


def predict(
    query: Annotated[str, typer.Argument(help="what was searched")],
    title: Annotated[str, typer.Argument(help="the ad's title")],
    run: Annotated[str, typer.Option("--run", "-r", metavar="RUN", help="the run to ask")],
    description: Annotated[str, typer.Argument(help="the ad's description")] = "",
    temperature: Annotated[
        list[float] | None,
        typer.Option("--temperature", "-T", help="softens the labels; again for more (default 1)"),
    ] = None,
    as_json: s.Json = False,
) -> None:
    """Ask a run about one typed pair: the probability of each grade, worst first."""
    from kdcore import lab
    from kdcore.models.predict import load_model, typed_notes

    asked = lab.store().get(run)
    answers = [
        (t, lab.predict(asked, query, title, description, temperature=t))
        for t in temperature or [1.0]
    ]
    notes = typed_notes(load_model(asked.model_folder), query, title, description)
    rows = [{"temperature": f"{t:g}", **_shares(labels)} for t, labels in answers]
    data = {
        "run": asked.id,
        "query": query,
        "title": title,
        "description": description,
        "soft_labels": [{"temperature": t, "labels": labels} for t, labels in answers],
        "notes": notes,
    }
    told = [f"Note: {note}." for note in notes]
    show(as_json, data, table(rows, right=tuple(rows[0])), *told)


def _shares(labels: Mapping[str, float]) -> dict[str, str]:
    return {grade: cell(p) for grade, p in labels.items()}
