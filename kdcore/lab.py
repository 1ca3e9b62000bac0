"""The door to the engine: each stage as one call that returns a finished run.

    from kdcore import lab
    teacher = lab.finetune("world", "bert_teacher")
    student = lab.distill(teacher, "twinbert_cos", temperature=2)
    print(lab.evaluate(student).metrics["roc_auc"])

The command line and the app's child processes call these same functions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kdcore.asking import answers as answers
from kdcore.asking import evaluate as evaluate
from kdcore.asking import predict as predict
from kdcore.asking import predictions as predictions
from kdcore.asking import run_of
from kdcore.asking import store as store
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MethodConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    StageConfig,
    TaskConfig,
    TeachConfig,
    TermConfig,
    TrainingConfig,
    to_dict,
)
from kdcore.data.names import pairs_of as pairs_of
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.evaluation.evaluated import Evaluated as Evaluated
from kdcore.evaluation.result_files import stored_evaluation as stored_evaluation
from kdcore.knobs import build
from kdcore.runs import resolve
from kdcore.runs.purpose import Purpose
from kdcore.runs.resolve import split_of as split_of
from kdcore.runs.store import Run
from kdcore.workspace import Workspace


def pretrain(
    data: str = "world:log=20000",
    model: str | ModelConfig = "bert_teacher",
    *,
    workspace: Workspace | None = None,
    training: TrainingConfig | None = None,
    **settings: Any,
) -> Run:
    """Train a BERT on hidden words and next ads of pairs without grades; others start from it.

    settings: any of PretrainConfig (split, mask_share, next_ad_weight, limit, seed, device).
    """
    given = {"data": data, "model": _model(model), "training": training or TrainingConfig()}
    return start(build(PretrainConfig, {**settings, **given}), workspace)


def finetune(
    data: str = "world",
    model: str | ModelConfig = "bert_teacher",
    *,
    workspace: Workspace | None = None,
    training: TrainingConfig | None = None,
    **settings: Any,
) -> Run:
    """Train on hard labels: a teacher, or a student's twin without a teacher.

    settings: any of FinetuneConfig (limit, seed, device, threads, loss, label_smoothing).
    """
    given = {"data": data, "model": _model(model), "training": training or TrainingConfig()}
    return start(build(FinetuneConfig, {**settings, **given}), workspace)


def multitask(
    data: str = "world",
    model: str | ModelConfig = "bert_teacher",
    tasks: Sequence[str] = (),
    *,
    workspace: Workspace | None = None,
    training: TrainingConfig | None = None,
    **settings: Any,
) -> Run:
    """Train one encoder on relevance and other tasks: a teacher with their heads beside it.

    tasks: "click", or "click:weight=0.5"; none takes every column task_<name> of the data.
    settings: any of MultitaskConfig (split, task_weight, and those of `finetune`).
    """
    given = {"data": data, "model": _model(model), "training": training or TrainingConfig()}
    named = tuple(map(TaskConfig.parse, tasks))
    return start(build(MultitaskConfig, {**settings, **given, "tasks": named}), workspace)


def inherited(
    settings: Mapping[str, Any], role: str, workspace: Workspace | None = None
) -> dict[str, Any]:
    """Settings with what they take from the run they name in `role`; see kdcore.runs.resolve."""
    return resolve.inherited(settings, role, workspace or Workspace.default())


def create(
    config: StageConfig,
    workspace: Workspace | None = None,
    title: str = "",
    purpose: Purpose | None = None,
) -> Run:
    """A queued run of a config whose paths mean the same in every folder."""
    whole = resolve.settled(config, workspace or Workspace.default())
    return store(workspace).create(to_dict(whole), title=title, purpose=purpose)


def distill(
    teacher: Run | str,
    student: str | ModelConfig = "twinbert_cos",
    data: str = "",
    *,
    workspace: Workspace | None = None,
    method: str = "response",
    training: TrainingConfig | None = None,
    soft_weight: float = 1.0,
    terms: Sequence[str | TermConfig] = (),
    hard_weight: float = 0.1,
    label_smoothing: float = 0.0,
    transfer: str = "train",
    from_shards: bool = False,
    limit: int | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
    **params: Any,
) -> Run:
    """Train a student on a teacher's soft labels; data and limit as `inherited` says.

    teacher: a run, "ensemble:RUN+RUN" or "file:PATH". params: knobs of the method: temperature=2.
    terms: more of them, "feature:weight=0.5".
    """
    given = inherited({"teacher": teacher, "data": data, "limit": limit}, "teacher", workspace)
    config = DistillConfig(
        **given,
        student=_model(student),
        method=MethodConfig(name=method, params=params),
        soft_weight=soft_weight,
        terms=tuple(TermConfig.parse(t) if isinstance(t, str) else t for t in terms),
        hard_weight=hard_weight,
        label_smoothing=label_smoothing,
        transfer=transfer,
        from_shards=from_shards,
        training=training or TrainingConfig(),
        seed=seed,
        device=device,
        threads=threads,
    )
    return start(config, workspace)


def start(config: StageConfig, workspace: Workspace | None = None) -> Run:
    """Create a run from a config and carry it out here, in this process."""
    pairs = checked(config, workspace)
    run = create(config, workspace)
    execute(run, workspace, pairs)
    return run


def checked(config: StageConfig, workspace: Workspace | None = None) -> PairTable:
    """The pairs of a stage, once everything is refused that can be known before a run is made."""
    from kdcore.training.checks import refuse_avoidable

    whole = resolve.settled(config, workspace or Workspace.default())
    pairs = pairs_of(config, workspace, log=_reads_log(config))
    refuse_avoidable(whole, pairs, store(workspace))
    if isinstance(whole, DistillConfig) and whole.from_shards:
        from kdcore.teachers.shards import scored_log

        teacher = store(workspace).get(whole.teacher).require_model()
        scored_log(whole, pairs, teacher, workspace or Workspace.default())
    return pairs


def _reads_log(config: StageConfig) -> bool:
    """Whether a stage needs the log of the world; a fine-tuning, such as a twin's, has labels."""
    return config.stage != "finetune"


def execute(run: Run, workspace: Workspace | None = None, pairs: PairTable | None = None) -> None:
    """Carry a run out, from its last checkpoint where it has one.

    Leaves model/ and predictions/ in the run's folder. pairs: when already loaded. RunError when
    a stop was requested. Other runs and the cache are those beside it.
    """
    from kdcore.recipes.stage import run_stage

    run = resolve.leading(run)
    config = run.config

    def load() -> PairTable:
        if pairs is not None:
            return pairs
        return resolve.pairs_of_run(run, workspace, log=_reads_log(config))

    run_stage(config, run, Workspace(run.folder.absolute().parent.parent), load)


def get_ready() -> None:
    """Import and wake all that a run needs, so that the next `execute` begins at once."""
    from kdcore.recipes.warm_up import warm_up

    warm_up()


def infer(
    run: Run | str, data: str = "", *, workspace: Workspace | None = None, **settings: Any
) -> Run:
    """Score every pair of a data set with a run's model: a run that holds predictions only.

    Data and limit as `inherited` says; settings: any of InferConfig.
    """
    given = inherited({**settings, "run": run, "data": data}, "run", workspace)
    return start(build(InferConfig, given), workspace)


def teach(
    model: str,
    data: str = "world",
    *,
    workspace: Workspace | None = None,
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Run:
    """Take a ready classifier or reranker with its own head as a teacher; nothing is trained.

    model: its folder or hub id. params: knobs of catalog.ReadyParams, such as labels="Good,Bad";
    settings: any of TeachConfig (calibrate, limit, batch_size, device).
    """
    ready = ModelConfig(name="ready", checkpoint=model, params=params)
    return start(build(TeachConfig, {**settings, "data": data, "model": ready}), workspace)


def resume(run: Run | str, workspace: Workspace | None = None) -> Run:
    """Go on with a stopped, failed or lost run from its last checkpoint."""
    source = run_of(run, workspace)
    check_resumable(source)
    execute(source, workspace)
    return source


def check_resumable(run: Run) -> None:
    """RunError when the run is at its end, at work, or cannot be read."""
    state = run.status().state
    if state in ("finished", "running", "broken"):
        raise RunError(f"{run.id} is {state}; only a stopped, failed or lost run can be resumed")


def _model(model: str | ModelConfig) -> ModelConfig:
    return model if isinstance(model, ModelConfig) else ModelConfig.parse(model)
