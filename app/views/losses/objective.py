"""An objective as a visitor puts it together: terms of the catalog, hard labels, and its text.

The text is that of the command line's --term, with `;` between the terms:
`response;ranking:loss=list_kl,weight=0.5;hard:weight=0.1`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from app import state
from app.kit.texts import degrees
from kdcore.catalog import METHODS
from kdcore.catalog.options import NAMES, option_name
from kdcore.config import TermConfig
from kdcore.errors import LabError
from kdcore.knobs import plain

HARD = "hard"  # the labels, which need no teacher and are no method of the catalog
SIDES = ("a", "b")
KEYS = {"a": "la", "b": "lb"}  # of their texts in a link
HELP = "cross-entropy with the label that a person or a rule gave, at T = 1"
COLORS = ("rival", "defect", "twin", "muted")  # of the palette, by a term's place
NUMBERS = ("①", "②", "③", "④")


def in_words(message: str) -> str:
    """A message of the engine with the losses named as on the page."""
    for loss, words in NAMES.items():
        message = message.replace(f"'{loss}'", f"“{words}”")
    return message


@dataclass(frozen=True)
class Part:
    """A term of an objective. follows: its soft labels take the page's T, since it names none.

    params: its knobs, None for hard labels.
    """

    name: str
    weight: float
    params: Any
    follows: bool = False

    @property
    def loss(self) -> str:
        """What its loss is called on the page: KL; margin MSE."""
        if self.name == HARD:
            return "hard labels"
        loss = getattr(self.params, "loss", "")
        return option_name(loss) if loss else METHODS[self.name].title

    @property
    def title(self) -> str:
        """The same with its temperature: KL at T = 2."""
        softens = self.name != HARD and _softens(self.name)
        if not softens or getattr(self.params, "loss", "").startswith("mse"):
            return self.loss
        return f"{self.loss} at T = {degrees(self.params.temperature)}"

    @property
    def named(self) -> str:
        """Its method and its loss: ranking (margin MSE)."""
        method = METHODS[self.name].title.lower() if self.name in METHODS else ""
        title = self.title
        return title.lower() if method in ("", title.lower()) else f"{method} ({title})"

    @property
    def text(self) -> str:
        """How it is written in a link."""
        if self.name == HARD:
            return HARD if self.weight == 1 else f"{HARD}:weight={self.weight:g}"
        usual = METHODS[self.name].params()
        params = replace(self.params, temperature=usual.temperature) if self.follows else None
        text = TermConfig(name=self.name, weight=self.weight, params=params or self.params).spec
        if not self.follows and _softens(self.name) and "temperature" not in _names(text):
            own = f"temperature={self.params.temperature:g}"
            text = f"{text}{',' if ':' in text else ':'}{own}"
        return text


def objective(side: str) -> tuple[Part, ...]:
    """The terms of objective "a" or "b"; a part of its text that is not a term is reported."""
    now = state.now().losses
    parts: dict[str, Part] = {}
    for spec in filter(None, (each.strip() for each in getattr(now, side).split(";"))):
        try:
            part = read(spec, now.T)
        except (LabError, ValueError, yaml.YAMLError) as cause:
            state.ignore(f"{KEYS[side]}: {spec[:40]!r} is not a term: {cause}")
            continue
        if part.name in parts:
            state.ignore(f"{KEYS[side]}: names {part.name} twice; the first is shown")
        parts.setdefault(part.name, part)
    return tuple(parts.values())


def read(spec: str, temperature: float = 1.0) -> Part:
    """A term from its text; LabError or ValueError says what is wrong with it."""
    if spec.partition(":")[0] == HARD:
        weight = spec.partition("weight=")[2] or "1"
        return Part(HARD, TermConfig(name="response", weight=float(weight)).weight, None)
    term = TermConfig.parse(spec)
    if term.name not in METHODS:
        raise ValueError("a method is used once here; write its name without a number")
    follows = _softens(term.name) and "temperature" not in _names(spec)
    params = replace(term.params, temperature=temperature) if follows else term.params
    return Part(term.name, term.weight, params, follows)


def _names(spec: str) -> set[str]:
    """The names of the knobs that a text sets."""
    return {each.partition("=")[0].strip() for each in spec.partition(":")[2].split(",")}


def _softens(method: str) -> bool:
    return METHODS[method].softens


def text_of(parts: Iterable[Part]) -> str:
    """An objective as the text of a link."""
    return ";".join(part.text for part in parts)


def put(side: str, parts: Iterable[Part]) -> None:
    """Let an objective have these terms: a choice of the visitor, which is then shown."""
    state.change(losses={side: text_of(parts), "shown": side, "steps": 0})


def usual(name: str, temperature: float) -> Part:
    """A term with its defaults, as it is when it is added."""
    if name == HARD:
        return Part(HARD, 1.0, None)
    return read(name, temperature)


def with_knob(part: Part, knob: str, value: Any) -> Part:
    """The term with one knob, or its weight, set."""
    if knob == "weight":
        return replace(part, weight=float(value))
    params = replace(part.params, **{knob: value})
    return replace(part, params=params, follows=part.follows and knob != "temperature")


def sent(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """An objective as the browser parts take it."""
    return [
        {
            "name": part.name,
            "method": part.name,
            "weight": part.weight,
            "params": plain(part.params) if part.params else {"loss": "ce", "smoothing": 0.0},
            "follows": part.follows,
            "title": part.loss,
        }
        for part in parts
    ]
