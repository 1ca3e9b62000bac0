"""Why a method, or one of its losses, cannot be learned by the student on the board."""

from dataclasses import fields, replace

from app.kit.by_hash import by_hash
from app.services import Attention
from app.views.losses.objective import HARD, Part, with_knob
from app.views.losses.scene import Scene
from kdcore.catalog import METHODS, STUDENTS, misfit
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import ConfigError


def misfit_of(scene: Scene, name: str) -> str:
    """Why the student cannot learn by a method, whichever its loss; "" when it can."""
    if name == HARD:
        return "" if (scene.pairs.grades != UNLABELLED).any() else "these data have no labels"
    _, student = scene.models
    kind = student.run.model_name if student.run else ""
    if kind in STUDENTS:
        return misfit(name, kind)
    if METHODS[name].reads() <= {"logits"}:
        return ""
    return f"{student.title} was imported as predictions, so it has only logits"


def unfit_losses(scene: Scene, name: str) -> dict[str, str]:
    """The losses of a method that teach nothing on these grades, with the engine's sentence."""
    return _unfit(name, len(scene.pairs.scheme), scene.pairs.scheme.relevant_from)


def refusal_of(part: Part, student: tuple[int, ...], teacher: tuple[int, ...]) -> str:
    """Why a term cannot be learned between models of these (layers, heads, width); or ""."""
    from kdcore.objectives.base import Shape, make_objective  # brings torch

    shapes = [
        Shape(classes=2, features=width, layers=layers + 1, hidden=width, heads=heads)
        for layers, heads, width in (student, teacher)
    ]
    try:
        make_objective(part.name, part.params, *shapes)
    except ConfigError as cause:
        return " ".join(cause.problems)
    return ""


def working(part: Part, maps: Attention | None) -> Part:
    """The term, its heads mixed where the models on the page have unequal numbers of heads."""
    if maps is None or not hasattr(part.params, "heads") or not refusal_of(part, *maps.shapes):
        return part
    return with_knob(part, "heads", "mix")


@by_hash(most=100)
def _unfit(name: str, classes: int, relevant_from: int) -> dict[str, str]:
    from kdcore.objectives.base import Shape, make_objective  # brings torch

    params = METHODS[name].params()
    spec = next((f for f in fields(params) if f.name == "loss"), None)
    if spec is None or "logits" not in METHODS[name].reads():
        return {}
    shape = Shape(classes=classes, features=1, relevant_from=relevant_from)
    reasons = {}
    for loss in spec.metadata["options"]:
        try:
            make_objective(name, replace(params, loss=loss), shape, shape)
        except ConfigError as cause:
            reasons[loss] = " ".join(cause.problems)
    return reasons
