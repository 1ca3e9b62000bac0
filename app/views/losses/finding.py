"""The page's one sentence: where two objectives pull the student, and how far apart."""

import numpy as np
from numpy.typing import NDArray

from app.kit.texts import pair_number
from app.shell import frame
from app.views.losses.queries.values import Term, pull_of
from app.views.losses.scene import VIEWS, Scene, ads_of

Floats = NDArray[np.float64]
FLAT = 1e-9  # a shorter pull is none
UNEQUAL = 1.5  # a ratio of two pulls that is worth a word


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """The finding of the present objectives."""
    frame.finding(sentence(scene, terms), scene.board)


def sentence(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> str:
    """What each objective asks of the student, and the angle between the two."""
    pulls = {side: pull_of(each) for side, each in terms.items()}
    parts = [_asks(scene, side, terms[side], pull) for side, pull in pulls.items()]
    first, second = pulls["a"], pulls["b"]
    if first is None and second is None:
        return f"Neither objective has a term for “{VIEWS[scene.view]}”: tick one on a card."
    if first is not None and second is not None:
        parts.append(_angle(first, second))
    return f"{_place(scene)}: {' '.join(filter(None, parts))}"


def _place(scene: Scene) -> str:
    if scene.view == "ads":
        count, shown = len(ads_of(scene.pairs, scene.row)), len(scene.rows)
        return f"Over {shown} of this query's {count} ads"
    if scene.view == "vectors":
        kind = "invented vectors" if scene.picture and scene.picture.invented else "vectors"
        return f"On the {kind} of {len(scene.student)} pairs"
    return f"On pair {pair_number(scene.row)}"


def _asks(scene: Scene, side: str, terms: tuple[Term, ...], pull: Floats | None) -> str:
    """Objective A (KL, T = 2) costs the student 0.37 and pulls hardest on “good”, up."""
    titles = " + ".join(term.part.title for term in terms if not term.why)
    if pull is None:
        return ""
    loss = sum(term.part.weight * term.loss for term in terms if not term.why)
    begin = f"{side.upper()} ({titles}) costs the student {loss:.3g}"
    if np.linalg.norm(pull) < FLAT:
        return f"{begin} and asks nothing of it."
    lengths = np.linalg.norm(pull, axis=1) if pull.ndim == 2 else np.abs(pull)
    place = int(lengths.argmax())
    if scene.view == "vectors":
        return f"{begin} and moves point {place + 1} furthest."
    way = "up" if pull[place] > 0 else "down"
    return f"{begin} and pulls hardest on “{scene.names[place]}”, {way}."


def _angle(first: Floats, second: Floats) -> str:
    """The angle between both pulls, and how much harder one of them is."""
    a, b = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if min(a, b) < FLAT:
        return ""
    cosine = float(np.clip((first * second).sum() / (a * b), -1, 1))
    degrees = np.degrees(np.arccos(cosine))
    ways = "The two pull the same way"
    if degrees >= 1:
        against = ", against each other" if degrees > 90 else ""
        ways = f"The two pull {degrees:.0f}° apart{against}"
    stronger, ratio = ("A", a / b) if a > b else ("B", b / a)
    if ratio < UNEQUAL:
        return f"{ways}."
    return f"{ways}, {stronger} {ratio:.3g} times as hard."
