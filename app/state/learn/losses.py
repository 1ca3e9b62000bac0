"""Choices of the Losses page."""

from dataclasses import dataclass

from app.state.common import TEMPERATURES
from app.state.kinds import choice, flag, number, numbers, several, text, whole

LONGEST_LIST = 8  # ads of a query that are shown, and dragged
_MOST = 2 * LONGEST_LIST  # numbers of a student that was dragged


@dataclass(frozen=True)
class Losses:
    """Two objectives on one scene: their terms, where the student stands, and how it is drawn.

    a, b: terms as the command line takes them, with `;` between. start: all numbers of the student
    where it was dragged to; () is the real one. axes: the two numbers that are dragged; () lets
    the picture choose. steps: steps of descent gone from there.
    """

    view: str = choice("lview", "logits", ("logits", "ads", "vectors", "attention"))
    a: str = text("la", "response", 400)
    b: str = text("lb", "response:loss=mse_logits", 400)
    shown: str = choice("lob", "a", ("a", "b"))
    T: float = number("lt", 2.0, *TEMPERATURES)
    squared: bool = flag("lsq", True)  # whether T² multiplies the terms that have it
    rate: float = number("lrate", 0.5, 0.01, 10.0)
    margin: float = number("lmargin", 2.0, -10.0, 10.0)
    start: tuple[float, ...] = several("lat", _MOST, -100.0, 100.0, belongs_to="pair")
    axes: tuple[float, ...] = numbers("lax", 2, 0, LONGEST_LIST - 1, belongs_to="pair")
    steps: int = whole("lsteps", 0, 0, 2000, belongs_to="pair")
    student: str = text("lstudent", "twinbert_cos", 60)  # of the measured table
    metric: str = choice("lmetric", "roc_auc", ("roc_auc", "ndcg@5", "ece_mass"))
    # of the attention maps: 0 is the last layer, and every head
    layer: int = whole("llayer", 0, 0, 100, belongs_to="data")
    head: int = whole("lhead", 1, 1, 100, belongs_to="data")
    teacher_head: int = whole("lthead", 1, 1, 100, belongs_to="data")
