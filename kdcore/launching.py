"""Launch a student and, beside it, its twin: made as runs of one group, titled, put in the queue.

launched = launch(config_of("sixty_seconds", {"teacher": run_id}), workspace)
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from kdcore import lab
from kdcore.amounts import amounts_of
from kdcore.catalog import STUDENTS
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    from_dict,
)
from kdcore.errors import LabError
from kdcore.presets import PRESETS, changed_from
from kdcore.runs.about import About
from kdcore.runs.settle import settled
from kdcore.runs.store import Run
from kdcore.twins import same_training, twin_of
from kdcore.workspace import Workspace

LIVE = ("queued", "running")


@dataclass(frozen=True)
class Launched:
    """A student's run and that of its twin; reused: the twin had been trained (or is) before."""

    student: Run
    twin: Run | None
    reused: bool = False


def launch(
    config: DistillConfig,
    workspace: Workspace,
    *,
    twin: bool = True,
    about: About | None = None,
    title: str = "",
    start: bool = True,
) -> Launched:
    """Create the runs of a student and its twin and put them in the queue, the student first.

    about: what is known of why (preset, parent, changed, sweep, group); the rest is filled in.
    An equal twin that is finished, or on its way, serves again. start: False leaves the queue
    alone. LabError, and no run, when teacher or data cannot be used.
    """
    config, about = taught(config, workspace), about or About()
    alone = twin_in(config, workspace) if twin else None
    group = about.group or new_group()
    made, reused = _twin_run(alone, workspace, group, about) if alone else (None, False)
    told = replace(
        about,
        group=group,
        role=about.role or "student",
        twin=made.id if made else "",
        changed=about.changed or _changed_from_preset(config, about.preset),
        estimate=foreseen(config, workspace),
    )
    student = lab.create(config, workspace, title or title_of(config), told)
    if start:
        enqueue([student, *([made] if made and not reused else [])], workspace)
    return Launched(student, made, reused)


def enqueue(runs: Sequence[Run], workspace: Workspace) -> None:
    """Let runs wait for a device, in this order, and see to it that somebody starts them."""
    from kdcore.runs import queue

    queue.enqueue(runs, workspace)


def taught(config: DistillConfig, workspace: Workspace) -> DistillConfig:
    """The config with its teacher named so that the workspace finds it; RunError without model."""
    about = {"teacher": config.teacher, "data": config.data, "limit": config.limit}
    teacher = lab.inherited(about, "teacher", workspace)["teacher"]
    return settled(replace(config, teacher=teacher), workspace)


def twin_in(config: DistillConfig, workspace: Workspace) -> FinetuneConfig:
    """The twin of a student on the pairs that lie here: as many steps, whatever it learns from."""
    counted = amounts_of(config, workspace)
    if config.transfer == "train" and counted.transfer == counted.labelled:
        return twin_of(config)
    return twin_of(config, counted.transfer, counted.labelled)


def equal_training(config: FinetuneConfig, workspace: Workspace) -> Run | None:
    """A run of the workspace that learns just this: finished whole, at work, or in the queue."""
    wanted = settled(config, workspace)
    for run, other in _finetunings(workspace):
        if same_training(wanted, other) and _comes_to_its_end(run, other, workspace):
            return run
    return None


def foreseen(config: DistillConfig | FinetuneConfig, workspace: Workspace) -> dict[str, Any]:
    """The estimate as a run keeps it, so that its error can be told afterwards."""
    from kdcore.estimate import estimate

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


def _twin_run(
    alone: FinetuneConfig, workspace: Workspace, group: str, about: About
) -> tuple[Run, bool]:
    before = equal_training(alone, workspace)
    if before is not None:
        return before, True
    told = About(
        group=group,
        role="twin",
        preset=about.preset,
        sweep=about.sweep,
        estimate=foreseen(alone, workspace),
    )
    return lab.create(alone, workspace, title_of(alone), told), False


def _finetunings(workspace: Workspace) -> Iterator[tuple[Run, FinetuneConfig]]:
    """Every run that learned from labels alone, newest first."""
    for run in lab.store(workspace).list():
        if run.config.get("stage") == "finetune":
            try:
                config = from_dict(run.config)
            except LabError:
                continue
            if isinstance(config, FinetuneConfig):
                yield run, config


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
    from kdcore.runs import queue

    return queue.position(run, workspace) is not None


def _changed_from_preset(config: DistillConfig, preset: str) -> dict[str, Any]:
    if preset not in PRESETS:
        return {}
    return {k: v for k, v in changed_from(preset, config).items() if k != "teacher"}
