"""The end of the top bar: selection, copy link, shortcuts."""

from app.kit.browser_part import part, state_value
from kdcore.metrics.significance import RULE

KEY = "frame_bar"
SHORTCUTS = (
    ("?", "this list"),
    ("Tab, Shift+Tab", "next and previous control"),
    ("← →", "on a rail or slider: a small step; with Shift a large one"),
    ("Home, End", "on a rail or slider: its ends"),
    ("↑ ↓", "on Temperature: previous and next pair"),
    ("Space", "on Temperature: play the sweep"),
    ("Alt+↑, Alt+↓", "in Lists: move the ad of the scratch column"),
)

GLOSSARY = (
    ("teacher, student", "a large model, and a small one that learns from its answers"),
    (
        "twin",
        "the same student, trained the same way on labels alone: what it would be without "
        "the teacher",
    ),
    ("soft label", "a model's probability of each grade of a pair, in place of one hard label"),
    (
        "temperature T",
        "divides a model's logits before they become probabilities: T above 1 "
        "flattens the soft label, T = 1 leaves it as it is",
    ),
    (
        "nats",
        "the unit of KL divergence and log-likelihood with natural logarithms: 1 nat = 1.44 bits",
    ),
    (
        "gap recovered",
        "(student − twin) / (teacher − twin): the share of the teacher's lead over the twin "
        "that distillation recovers",
    ),
    ("label density", "the share of each grade among the first k ads of every query"),
    (
        "interval",
        (
            "95 % confidence interval from bootstrap samples of whole queries: about 95 of 100 "
            "such intervals contain the true value"
        ),
    ),
    ("n", "the number of pairs or queries behind a value"),
    (
        "verdict",
        RULE,
    ),
)

_mount = part(__name__)


def frame_bar(selection: str, single_keys: bool) -> None:
    """Draw it. selection: what is selected, in words."""
    _mount(
        key=KEY,
        width=170,
        data={
            "selection": selection,
            "shortcuts": SHORTCUTS,
            "glossary": GLOSSARY,
            "keys": single_keys,
        },
        on_keys_change=_keys,
    )


def _keys() -> None:
    from app import state

    said = state_value(KEY, "keys")
    if isinstance(said, bool):
        state.change(single_keys=said)


__all__ = ["GLOSSARY", "SHORTCUTS", "frame_bar"]
