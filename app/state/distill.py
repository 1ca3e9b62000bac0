"""Choices of the Distill page."""

from dataclasses import dataclass

from app.state.kinds import choice, flag, text, whole
from kdcore.catalog import METHODS

_SWEPT = (
    *("method.params.temperature", "method.params.loss", "soft_weight", "hard_weight"),
    *("limit", "training.epochs", "training.learning_rate", "training.batch_size"),
    *("student", "student.params.layers", "seed"),
    *(f"terms.{name}.weight" for name in METHODS if name != "response"),
)


@dataclass(frozen=True)
class Watch:
    """What is shown of the run that is watched."""

    step: int = whole("wstep", -1, -1, 10_000_000)  # -1 is the newest
    metric: str = choice("wmetric", "roc_auc", ("roc_auc", "nll"))


@dataclass(frozen=True)
class Distill:
    """The planned run, its sweep, and the run that is watched."""

    preset: str = text("preset", "sixty_seconds", 40)
    # what differs from the preset: path=value;path=value
    settings: str = text("settings", "", 3000)
    mode: str = choice("dmode", "form", ("form", "yaml"))
    train_twin: bool = flag("alone", True)  # an old key of links: 1 trains the twin as well
    sweep_a: str = choice("sweep_a", "method.params.temperature", _SWEPT)
    sweep_a_values: str = text("sweep_a_values", "1, 2, 4", 200)
    sweep_b: str = choice("sweep_b", "", ("", *_SWEPT))
    sweep_b_values: str = text("sweep_b_values", "", 200)
    run: str = text("run", "", 120)  # "" lets the page choose
    # the form that trains a teacher, as the preset and settings above; awaited: the run that
    # teaches in the form above once it is finished
    teacher_form: bool = flag("tform", False)
    teacher_preset: str = choice("tpreset", "small", ("small", "full"))
    teacher_settings: str = text("tset", "", 2000)
    awaited: str = text("tnew", "", 120)
