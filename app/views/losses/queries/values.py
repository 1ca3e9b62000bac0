"""What each term says at the student's numbers: the engine's own losses and their gradients."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import services, state
from app.kit.by_hash import by_hash
from app.services import Attention
from app.views.losses.objective import HARD, Part, in_words
from app.views.losses.queries.fit import refusal_of
from app.views.losses.scene import SHOWS, VIEWS, Scene
from kdcore.errors import ConfigError

Floats = NDArray[np.float64]
# losses that multiply by T², which the page can switch off to show why
LABEL_AWARE = "label_aware"
WITH_T2 = ("kl", "ce", "standardized", "decoupled", "dist", "list_kl")


@dataclass(frozen=True)
class Term:
    """A term at the student's numbers. loss: nan where it says nothing here, and why.

    gradient: in the shape of the student's numbers, unweighted. refused: no training takes it.
    """

    part: Part
    loss: float
    gradient: Floats
    why: str = ""
    refused: bool = False


def terms_of(
    scene: Scene, parts: tuple[Part, ...], maps: Attention | None = None
) -> tuple[Term, ...]:
    """Each term of an objective at the student's numbers; maps: of the models, where shown."""
    squared = state.now().losses.squared
    return tuple(_term(scene, part, squared, maps) for part in parts)


def pull_of(terms: tuple[Term, ...]) -> Floats | None:
    """Minus the weighted gradient of all terms, the direction of descent; None without a term."""
    shown = [term for term in terms if not term.why]
    if not shown:
        return None
    weighted = [term.part.weight * term.gradient for term in shown]
    return np.asarray(-np.sum(weighted, axis=0))


def _term(scene: Scene, part: Part, squared: bool, maps: Attention | None) -> Term:
    if part.name not in SHOWS[scene.view]:
        home = next((VIEWS[view] for view, names in SHOWS.items() if part.name in names), "")
        why = f"it is shown under “{home}”" if home else "this page does not draw it"
        return _nothing(part, scene, why)
    if scene.view == "attention":
        return _inside(part, scene, maps)
    if part.name == HARD and scene.grade < 0:
        return _nothing(part, scene, "this pair has no label")
    if scene.view == "ads" and len(scene.rows) < 2:
        return _nothing(part, scene, "this query has one ad, so there is no order to learn")
    try:
        loss, gradient = _at(scene, part.name, part.params)
    except ConfigError as cause:
        return _nothing(part, scene, " ".join(cause.problems) or str(cause), refused=True)
    if not squared and softened(part):
        times_t2 = loss, gradient
        if part.name == LABEL_AWARE:  # T² belongs to its soft part
            share = 1 - part.params.label_share if scene.grade >= 0 else 1.0
            soft = _at(scene, part.name, replace(part.params, label_share=0.0))
            times_t2 = share * soft[0], share * soft[1]
        lost = 1 - part.params.temperature**-2
        loss, gradient = loss - lost * times_t2[0], gradient - lost * times_t2[1]
    return Term(part, loss, gradient.reshape(scene.student.shape))


def softened(part: Part) -> bool:
    """Whether a temperature softens a term, so that T² belongs to it."""
    return part.name == LABEL_AWARE or getattr(part.params, "loss", "") in WITH_T2


def _at(scene: Scene, method: str, params: Any) -> tuple[float, Floats]:
    """A loss and its gradient at the numbers of the scene."""
    numbers = scene.now, scene.teacher, scene.grade
    return _value(scene.view, method, params, *numbers, scene.pairs.scheme.relevant_from)


def _inside(part: Part, scene: Scene, maps: Attention | None) -> Term:
    """The attention part of internal distillation on one pair; it has no numbers to drag."""
    if maps is None or maps.divergence is None:
        return _nothing(part, scene, "the two models have no attention maps of the same words")
    if refusal := refusal_of(part, *maps.shapes):
        return _nothing(part, scene, refusal, refused=True)
    if part.params.loss == "minilm" and any(each is None for each in maps.projections):
        return _nothing(part, scene, "one of the models gives no queries, keys and values here")
    if part.params.loss == "attention" and not part.params.attention_weight:
        return _nothing(part, scene, "its only part compares [CLS], which this page does not read")
    return Term(part, services.internal_loss(maps, part.params), np.zeros(scene.student.shape))


def _nothing(part: Part, scene: Scene, why: str, refused: bool = False) -> Term:
    return Term(part, float("nan"), np.zeros(scene.student.shape), in_words(why), refused)


@by_hash(most=2000)
def _value(
    view: str,
    method: str,
    params: Any,
    student: Floats,
    teacher: Floats,
    grade: int,
    relevant_from: int,
) -> tuple[float, Floats]:
    """The engine's loss and its gradient for the student's numbers in this view."""
    from kdcore.objectives.values import Batch, hard_value, value_of  # brings torch

    if view == "vectors":
        value = value_of(method, params, Batch(student, teacher, vectors=True))
        return value.loss, value.gradient
    if view == "ads":  # two grades whose log-odds are the ads' numbers
        own, target = (np.stack([np.zeros(len(s)), s], axis=1) for s in (student, teacher))
        queries = np.zeros(len(student), dtype=np.int64)
        value = value_of(method, params, Batch(own, target, queries=queries, relevant_from=1))
        return value.loss, value.gradient[:, 1]
    batch = Batch(
        student[None],
        teacher[None],
        grades=np.array([grade]),
        relevant_from=relevant_from,
    )
    value = hard_value(batch) if method == HARD else value_of(method, params, batch)
    return value.loss, value.gradient[0]
