"""Launch a student and, beside it, its twin: made as runs of one group, titled, put in the queue.

launched = launch(config_of("sixty_seconds", {"teacher": run_id}), workspace)
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from kdcore import lab
from kdcore.catalog import STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, MethodConfig, ModelConfig
from kdcore.errors import DataError, LabError
from kdcore.experiments.estimate.data_stats import amounts_of
from kdcore.experiments.presets import PRESETS, changed_from
from kdcore.runs.about import About
from kdcore.runs.resolve import settled
from kdcore.runs.store import Run
from kdcore.runs.twins import same_training, twin_of
from kdcore.workspace import Workspace

LIVE = ("queued", "running")


@dataclass(frozen=True)
class Launched:
    """A student's run and that of its twin; reused: the twin had been trained (or is) before.

    why: the reason for no twin where one was asked for.
    """

    student: Run
    twin: Run | None
    reused: bool = False
    why: str = ""


def launch(
    config: DistillConfig,
    workspace: Workspace,
    *,
    twin: bool = True,
    about: About | None = None,
    title: str = "",
    start: bool = True,
    twins: "Twins | None" = None,
) -> Launched:
    """Create the runs of a student and its twin and put them in the queue, the student first.

    about: what is known of why (preset, parent, changed, sweep, group); the rest is filled in.
    An equal twin that is finished, or on its way, serves again. start: False leaves the queue
    alone. twins: shared by several calls. LabError, and no run, when something is no good.
    """
    config, about = taught(config, workspace), about or About()
    why = no_twin_because(config, workspace) if twin else ""
    alone = twin_in(config, workspace) if twin and not why else None
    expected = foreseen(config, workspace)
    about, twins = replace(about, group=about.group or new_group()), twins or Twins(workspace)
    new: list[Run] = []
    with whole_or_nothing(new, twins):
        made, reused = twins.of(alone, about) if alone else (None, False)
        new += [made] if made and not reused else []
        told = replace(
            about,
            role=about.role or "student",
            twin=made.id if made else "",
            changed=about.changed or _changed_from_preset(config, about.preset),
            estimate=expected,
        )
        student = lab.create(config, workspace, title or title_of(config), told)
        new.insert(0, student)
        if start:
            enqueue(new, workspace)
    return Launched(student, made, reused, why)


@contextmanager
def whole_or_nothing(new: Sequence[Run], twins: "Twins") -> Iterator[None]:
    """Put the runs that were made into the trash when a later step fails: nobody would start them.

    new: grows while they are made.
    """
    try:
        yield
    except BaseException:
        for run in new:
            twins.forget(run)
            with suppress(LabError, OSError):
                lab.store(twins.workspace).trash(run.id)
        raise


def no_twin_because(config: DistillConfig, workspace: Workspace) -> str:
    """Why no twin can be trained on these data; an empty text when one can."""
    if amounts_of(config, workspace).labelled:
        return ""
    return "these data have no labelled training pair, so nothing can be learned without a teacher"


def enqueue(runs: Sequence[Run], workspace: Workspace) -> None:
    """Let runs wait for a device, in this order, and see to it that somebody starts them."""
    from kdcore.runs.queue import queue

    queue.enqueue(runs, workspace)


def taught(config: DistillConfig, workspace: Workspace) -> DistillConfig:
    """The config with its teacher named so that the workspace finds it; RunError without model."""
    about = {"teacher": config.teacher, "data": config.data, "limit": config.limit}
    teacher = lab.inherited(about, "teacher", workspace)["teacher"]
    return settled(replace(config, teacher=teacher), workspace)


def twin_in(config: DistillConfig, workspace: Workspace) -> FinetuneConfig:
    """The twin of a student on the pairs that lie here: as many steps, whatever it learns from.

    DataError where the data have no labelled pair to train on.
    """
    if why := no_twin_because(config, workspace):
        raise DataError(f"No twin: {why}.")
    counted = amounts_of(config, workspace)
    if config.transfer == "train" and counted.transfer == counted.labelled:
        return twin_of(config)
    return twin_of(config, counted.transfer, counted.labelled)


def known_twin(config: DistillConfig, workspace: Workspace) -> Run | None:
    """The run that launch would take again as this student's twin; None when it would train one."""
    return Twins(workspace).before(twin_in(taught(config, workspace), workspace))


def foreseen(config: DistillConfig | FinetuneConfig, workspace: Workspace) -> dict[str, Any]:
    """The estimate as a run keeps it, so that its error can be told afterwards."""
    from kdcore.experiments.estimate.estimate import estimate

    return asdict(estimate(config, workspace))


def title_of(config: DistillConfig | FinetuneConfig) -> str:
    """What a person calls this training: "TwinBERT cosine, T 4, seed 0"."""
    if isinstance(config, FinetuneConfig):
        return f"{model_title(config.model)}, labels only, seed {config.seed}"
    parts = [model_title(config.student), method_title(config.method)]
    if config.transfer != "train":
        parts.append({"log": "unlabelled pairs"}.get(config.transfer, "and unlabelled pairs"))
    return ", ".join([*parts, f"seed {config.seed}"])


def model_title(model: ModelConfig) -> str:
    """TwinBERT cosine; BERT-3; the last part of a pretrained encoder's name."""
    if model.checkpoint:
        return model.checkpoint.rstrip("/").rpartition("/")[2]
    if model.name == "bert":
        return f"BERT-{model.params.layers}"
    return STUDENTS[model.name].title


def method_title(method: MethodConfig) -> str:
    """T 4; MSE of logits."""
    loss = getattr(method.params, "loss", "")
    if loss.startswith("mse_"):
        return f"MSE of {loss.removeprefix('mse_')}"
    temperature = getattr(method.params, "temperature", None)
    return method.name if temperature is None else f"T {temperature:g}"


def new_group() -> str:
    """An id for runs that belong together."""
    return f"{time.strftime('%Y%m%d-%H%M')}-{secrets.token_hex(4)}"


class Twins:
    """The trainings on labels alone of a workspace: those that lie there, and those made here."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._there = list(_finetunings(workspace))
        self._made: list[tuple[FinetuneConfig, Run]] = []

    def before(self, alone: FinetuneConfig) -> Run | None:
        """A run that learns just this: made here, finished whole, at work, or in the queue."""
        wanted = settled(alone, self.workspace)
        for config, run in self._made:
            if same_training(wanted, config):
                return run
        for config, run in self._there:
            if same_training(wanted, config) and _comes_to_its_end(run, config, self.workspace):
                return run
        return None

    def forget(self, run: Run) -> None:
        """A run that was made here is not to serve again."""
        self._made = [(config, made) for config, made in self._made if made.id != run.id]

    def of(self, alone: FinetuneConfig, about: About) -> tuple[Run, bool]:
        """The run of such a training, and whether it was there before; else a new one."""
        if found := self.before(alone):
            return found, True
        told = About(
            group=about.group,
            role="twin",
            preset=about.preset,
            sweep=about.sweep,
            estimate=foreseen(alone, self.workspace),
        )
        made = lab.create(alone, self.workspace, title_of(alone), told)
        self._made.append((settled(alone, self.workspace), made))
        return made, False


def _finetunings(workspace: Workspace) -> Iterator[tuple[FinetuneConfig, Run]]:
    """Every run that learned from labels alone, newest first."""
    for run in lab.store(workspace).list():
        if run.stage == "finetune":
            with suppress(LabError):
                config = run.config
                if isinstance(config, FinetuneConfig):
                    yield config, run


def _comes_to_its_end(run: Run, config: FinetuneConfig, workspace: Workspace) -> bool:
    """Whether a training is whole, or will be: one that was kept early had fewer steps."""
    state = run.status().state
    if state == "finished":
        done = max((line.get("epoch", 0.0) for line in run.metrics()), default=0.0)
        return done >= config.training.epochs - 1e-6
    if state == "running":
        return True
    return state == "queued" and (run.status().pid is not None or _waits(run, workspace))


def _waits(run: Run, workspace: Workspace) -> bool:
    from kdcore.runs.queue import queue

    return queue.position(run, workspace) is not None


def _changed_from_preset(config: DistillConfig, preset: str) -> dict[str, Any]:
    if preset not in PRESETS:
        return {}
    return {k: v for k, v in changed_from(preset, config).items() if k != "teacher"}
