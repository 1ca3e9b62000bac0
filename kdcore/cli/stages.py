"""A command per stage, from pretrain to distill; and predict, which scores typed pairs."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.options import (
    Given,
    Json,
    RunId,
    Setting,
    configured,
    knob_settings,
    model_setting,
    teacher_setting,
)
from kdcore.cli.kit.running import train
from kdcore.cli.kit.settings import Settings
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    TeachConfig,
    to_dict,
)
from kdcore.experiments.options import STAGES

_DETACH = (
    "let it run without this terminal; prints its id at once. The queue's two processes stay for "
    "ten minutes after the last run, so that the next one starts at once"
)
Detach = Annotated[bool, typer.Option("--detach", help=_DETACH)]
PRETRAIN = {
    "model": model_setting("model", "what is pretrained: a BERT", "bert_teacher"),
    **knob_settings(STAGES["pretrain"]),
}
FINETUNE = {
    "model": model_setting("model", "what is trained", "bert_teacher"),
    **knob_settings(STAGES["finetune"]),
}
_TASK = (
    "a task beside relevance: NAME of a column task_NAME of the data, or any column of labels; "
    "with a weight after a colon (click:weight=0.5); may be given several times (default: every "
    "column task_NAME)"
)
MULTITASK = {
    "model": model_setting("model", "what is trained: BERT-n or an encoder", "bert_teacher"),
    "task": Setting(
        ("tasks",),
        Annotated[
            list[str] | None,
            typer.Option("--task", metavar="TASK", help=_TASK, rich_help_panel="Tasks"),
        ],
    ),
    **knob_settings(STAGES["multitask"]),
}
_TERM = (
    "another term of the loss: a name from `kdlab methods`, with knobs and weight after a colon "
    "(feature:loss=cosine,weight=0.5); may be given several times"
)
DISTILL = {
    "teacher": teacher_setting(),
    "student": model_setting("student", "what learns", "twinbert_cos"),
    "term": Setting(
        ("terms",),
        Annotated[
            list[str] | None,
            typer.Option("--term", metavar="TERM", help=_TERM, rich_help_panel="Distillation"),
        ],
    ),
    **knob_settings(STAGES["distill"]),
}
DISTILL_ORDER = (
    "data limit seed device threads method loss temperature soft_weight term hard_weight transfer "
    "order label_smoothing epochs batch_size learning_rate config sets"
)
INFER = {"run": Setting(("run",), RunId, required=True), **knob_settings(STAGES["infer"])}

_READY = "the folder or hub id of a sequence classifier, or of a CrossEncoder"
TEACH = {
    "model": Setting(
        ("model.checkpoint",),
        Annotated[str | None, typer.Option("--model", metavar="FOLDER", help=_READY)],
    ),
    **knob_settings(STAGES["teach"]),
}
_CALIBRATE = "fit T and a bias of its logits on the labelled validation pairs"


@configured(
    "data model split limit seed device threads mask_share next_ad_weight epochs batch_size "
    "learning_rate config sets detach",
    PRETRAIN,
)
def pretrain(given: Given, detach: Detach = False) -> None:
    """Train a BERT on hidden words and next ads of pairs without grades, for others to start from.

    It gives no grades itself: `kdlab finetune --set model.start_from=RUN` goes on from it.
    """
    config = given.settings(PretrainConfig, {}).build()
    if not given.printed(config):
        train(config, detach, given.quiet, given.as_json)


@configured(
    "data model limit seed device threads epochs batch_size learning_rate loss label_smoothing "
    "config sets detach",
    FINETUNE,
)
def finetune(given: Given, detach: Detach = False) -> None:
    """Train a model on hard labels: a teacher, or a student's twin without a teacher."""
    start = {"model": to_dict(ModelConfig.parse("bert_teacher"))}
    config = given.settings(FinetuneConfig, start).build()
    if not given.printed(config):
        train(config, detach, given.quiet, given.as_json)


@configured(
    "data model task task_weight split limit seed device threads epochs batch_size learning_rate "
    "loss label_smoothing config sets detach",
    MULTITASK,
)
def multitask(given: Given, detach: Detach = False) -> None:
    """Train one encoder on relevance and other tasks, a head per task: a teacher like any other."""
    start = {"model": to_dict(ModelConfig.parse("bert_teacher"))}
    config = given.settings(MultitaskConfig, start).build()
    if not given.printed(config):
        train(config, detach, given.quiet, given.as_json)


@configured(f"teacher student {DISTILL_ORDER} detach", DISTILL)
def distill(given: Given, detach: Detach = False) -> None:
    """Train a student on a teacher's soft labels; data and limit are the teacher's unless told."""
    config = distillation(given)
    if not given.printed(config):
        train(config, detach, given.quiet, given.as_json)


def distillation(given: Given, start: Mapping[str, Any] | None = None) -> DistillConfig:
    """The config of the options of `kdlab distill`; start: instead of the usual student."""
    student = {"student": to_dict(ModelConfig.parse("twinbert_cos"))}
    settings = given.settings(DistillConfig, {"method": {"name": "response"}, **(start or student)})
    inherit(settings, "teacher")
    return settings.build()


@configured("run data limit split batch_size device threads on shard_rows top_k config sets", INFER)
def infer(
    given: Given,
    split: Annotated[
        list[str] | None, typer.Option("--split", help="only this split; again for more")
    ] = None,
) -> None:
    """Score every pair of a data set with a run's model; the logits are kept as a new run."""
    settings = given.settings(InferConfig, {})
    if split:
        settings.put(["splits"], list(split))
    inherit(settings, "run")
    config = settings.build()
    if not given.printed(config):
        train(config, False, given.quiet, given.as_json)


@configured(
    "model data calibrate labels pair_tokens query_text ad_text activation limit batch_size seed "
    "device threads config sets detach",
    TEACH,
)
def teach(
    given: Given,
    calibrate: Annotated[bool, typer.Option("--calibrate", help=_CALIBRATE)] = False,
    detach: Detach = False,
) -> None:
    """Use a ready classifier or reranker with its own head as a teacher; nothing is trained."""
    settings = given.settings(TeachConfig, {"model": {"name": "ready"}})
    if calibrate:
        settings.put(["calibrate"], True)
    config = settings.build()
    if not given.printed(config):
        train(config, detach, given.quiet, given.as_json)


def inherit(settings: Settings[Any], role: str) -> None:
    """Take data and limit from the other run; wrong settings are left to the check of all."""
    values = settings.values
    limit, data = values.get("limit"), values.get("data", "")
    if isinstance(values.get(role), str) and values[role] and isinstance(data, str):
        given = {role: values[role], "data": data, "limit": limit}
        given |= {k: values[k] for k in ("as_is", "on", "splits") if k in values}
        values |= lab.inherited(given, role)


def predict(
    query: Annotated[str, typer.Argument(help="what was searched")],
    title: Annotated[str, typer.Argument(help="the ad's title")],
    run: Annotated[str, typer.Option("--run", "-r", metavar="RUN", help="the run to ask")],
    description: Annotated[str, typer.Argument(help="the ad's description")] = "",
    temperature: Annotated[
        list[float] | None,
        typer.Option("--temperature", "-T", help="softens the labels; again for more (default 1)"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a run about one typed pair: the probability of each grade, worst first."""
    from kdcore.models.build import load_model
    from kdcore.models.predict import typed_notes

    model = lab.store().get(run)
    answers = [
        (t, lab.predict(model, query, title, description, temperature=t))
        for t in temperature or [1.0]
    ]
    notes = typed_notes(load_model(model.model_folder), query, title, description)
    rows = [
        {"temperature": f"{t:g}", **{grade: cell(p) for grade, p in labels.items()}}
        for t, labels in answers
    ]
    data = {
        "run": model.id,
        "query": query,
        "title": title,
        "description": description,
        "soft_labels": [{"temperature": t, "labels": labels} for t, labels in answers],
        "notes": notes,
    }
    lines = [f"Note: {note}." for note in notes]
    show(as_json, data, table(rows, right=tuple(rows[0])), *lines)
