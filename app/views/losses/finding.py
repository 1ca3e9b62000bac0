"""What the page says first: the value and the gradient of two objectives, and their angle."""

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.texts import pair_number
from app.shell import frame
from app.views.losses.objective import Part
from app.views.losses.queries.values import Term, pull_of
from app.views.losses.scene import SHOWS, VIEWS, Scene, ads_of
from kdcore.catalog import METHODS

Floats = NDArray[np.float64]
ZERO_SUM = 1e-6  # of the sum of the sizes
FLAT = 1e-9  # a shorter gradient counts as 0
UNEQUAL = 1.5  # a ratio of two lengths that is worth a word


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """The finding of the present objectives."""
    frame.finding(sentence(scene, terms), scene.board)


def sentence(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> str:
    """The value of each objective, what its gradient changes most, and the angle of both.

    All of it at the student's own numbers, or where a visitor placed it. Along a descent the
    picture, which goes it, says where both are.
    """
    if state.now().losses.steps and any(pull_of(each) is not None for each in terms.values()):
        return _descent(scene, terms)
    pulls = {side: pull_of(each) for side, each in terms.items()}
    parts = [_asks(scene, side, terms[side], pull) for side, pull in pulls.items()]
    first, second = pulls["a"], pulls["b"]
    if not any(term.part.name in SHOWS[scene.view] for each in terms.values() for term in each):
        return nothing_to_draw(scene.view)
    if first is None and second is None:
        nothing = f"Neither objective has a term that “{VIEWS[scene.view]}” can draw."
        return " ".join([nothing, *_others(terms)])
    if first is not None and second is not None:
        parts.append(_angle(first, second))
        parts.append(_sums(scene, first, second))
    text = " ".join(filter(None, [*parts, *_others(terms)]))
    return f"{_place(scene)}, {_student(scene)}, {text[:1].lower()}{text[1:]}"


def nothing_to_draw(view: str) -> str:
    """What a view draws, where neither objective has any of it."""
    names = [METHODS[name].title.lower() if name in METHODS else "hard" for name in SHOWS[view]]
    neither = "neither" if len(names) > 1 else "none"
    return f"“{VIEWS[view]}” draws {' and '.join(names)} losses; A and B have {neither}."


def _place(scene: Scene) -> str:
    if scene.view == "ads":
        count, shown = len(ads_of(scene.pairs, scene.row)), len(scene.rows)
        return f"Over {shown} of this query's {count} ads"
    if scene.view == "vectors":
        if scene.picture and scene.picture.invented:
            return "On invented vectors"
        return f"On the vectors of {len(scene.student)} ads of this query"
    return f"On pair {pair_number(scene.row)}"


def _student(scene: Scene) -> str:
    """Which numbers of the student the sentence is about."""
    now = state.now().losses
    if not now.start:
        numbers = {"logits": "logits", "ads": "scores"}.get(scene.view, "vectors")
        return f"at the student's own {numbers}"
    return "where you placed the student"


def _descent(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> str:
    """Which steps the picture shows: its own sentence says where they lead."""
    now = state.now().losses
    sides = [side.upper() for side, each in terms.items() if pull_of(each) is not None]
    count = f"{now.steps:,} {'step' if now.steps == 1 else 'steps'}"
    start = _student(scene).removeprefix("at ")
    return (
        f"{_place(scene)}, gradient descent on {' and on '.join(sides)} has gone up to {count} of "
        f"size {now.rate:g} from {start}. The sentence over the picture says where each stands now."
    )


def _others(terms: dict[str, tuple[Term, ...]]) -> list[str]:
    """The terms of each objective that the sentence does not count, and where each is shown."""
    lines = []
    for side, each in terms.items():
        whys: dict[str, list[str]] = {}
        for term in each:
            if term.why:
                whys.setdefault(term.why, []).append(term.part.named)
        also = "also " if any(not term.why for term in each) else ""
        begin = f"{side.upper()} {also}has"
        lines += [
            f"{begin} {' and '.join(names)}, which this sentence leaves out: {why}."
            for why, names in whys.items()
        ]
    return lines


def _sums(scene: Scene, first: Floats, second: Floats) -> str:
    """Whether the objectives would move all ads of a query together."""
    if scene.view != "ads":
        return ""
    small = [abs(pull.sum()) < ZERO_SUM * np.abs(pull).sum() for pull in (first, second)]
    if not all(small):
        return ""
    return "Each gradient sums to 0 over the ads: it raises none without lowering others."


def _asks(scene: Scene, side: str, terms: tuple[Term, ...], pull: Floats | None) -> str:
    """The loss of A (KL at T = 2) is 0.37; a gradient step raises the logit of “good” most."""
    titles = " + ".join(_weighted(term.part) for term in terms if not term.why)
    if pull is None:
        return ""
    loss = sum(term.part.weight * term.loss for term in terms if not term.why)
    begin = f"The loss of {side.upper()} ({titles}) is {loss:.3g}"
    if np.linalg.norm(pull) < FLAT:
        return f"{begin}, and its gradient is 0."
    lengths = np.linalg.norm(pull, axis=1) if pull.ndim == 2 else np.abs(pull)
    place = int(lengths.argmax())
    if scene.view == "vectors":
        real = scene.picture and not scene.picture.invented
        title = f" (“{scene.names[place]}”)" if real else ""
        return f"{begin}; a gradient step moves point {scene.points[place]}{title} most."
    way = "raises" if pull[place] > 0 else "lowers"
    number = "logit" if scene.view == "logits" else "score"
    return f"{begin}; a gradient step {way} the {number} of “{scene.names[place]}” most."


def _weighted(part: Part) -> str:
    """The title of a term, with its weight where that is not 1: 0.5 × KL at T = 2."""
    return part.title if part.weight == 1 else f"{part.weight:g} × {part.title}"


def _angle(first: Floats, second: Floats) -> str:
    """The angle between both gradients, and how much longer one of them is."""
    a, b = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if min(a, b) < FLAT:
        return ""
    cosine = float(np.clip((first * second).sum() / (a * b), -1, 1))
    degrees = np.degrees(np.arccos(cosine))
    ways = "Both gradients have the same direction"
    if degrees >= 1:
        against = " (they work against each other)" if degrees > 90 else ""
        ways = f"The angle between both gradients is {degrees:.0f}°{against}"
    stronger, ratio = ("A", a / b) if a > b else ("B", b / a)
    if ratio < UNEQUAL:
        return f"{ways}."
    return f"{ways}; the gradient of {stronger} is {ratio:.3g} times as long."
