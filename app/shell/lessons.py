"""Guided lessons as data: steps of a text, a link state, a target and a check; then takeaways.

A step is done when the visitor has acted on the real control: its check reads the state. What the
act has shown is said after it, not before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.kit.by_hash import by_hash
from app.shell.pages import PAGES
from app.state import PATHS, State, state_of, value_of
from kdcore.errors import DataError, lookup

FOLDER = Path(__file__).parents[2] / "assets" / "lessons"
# whether a choice that was `before` when the step opened is done: of its value and the step's goal
CHECKS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "at_least": lambda value, goal, before: bool(value >= goal),
    "at_most": lambda value, goal, before: bool(value <= goal),
    "is": lambda value, goal, before: bool(value == goal),
    "contains": lambda value, goal, before: str(goal) in str(value),
    "changed": lambda value, goal, before: bool(value != before),
}


@dataclass(frozen=True)
class Check:
    """What must hold of a choice. kind: one of CHECKS; value: its goal.

    field: the name of the choice in a link.
    """

    field: str
    kind: str
    value: Any

    def holds(self, state: State, begun: State) -> bool:
        """Whether the visitor has done it; begun: the state in which the step opened."""
        value, before = (value_of(each, PATHS[self.field]) for each in (state, begun))
        return CHECKS[self.kind](value, self.value, before)


@dataclass(frozen=True)
class Step:
    """One thing to see and do.

    seen: what the act has shown, said once it is done. link: choices as in a URL. target: CSS
    selector of the control to act on; show: of what must be in view while it is used. own: fields
    that stay as they are where the visitor's own run has finished: the step is about that run.
    """

    page: str
    title: str
    text: str
    task: str
    seen: str
    link: dict[str, str]
    target: str
    show: str
    check: Check | None
    own: tuple[str, ...] = ()

    def state(self) -> State:
        """The state in which the step opens."""
        return state_of({"v": "1", **self.link})[0]


@dataclass(frozen=True)
class Lesson:
    """A lesson: its title, how long it takes, its steps, what to take away, which comes next."""

    name: str
    title: str
    seconds: int
    steps: tuple[Step, ...]
    takeaways: tuple[str, ...]
    next: str

    @property
    def length(self) -> str:
        """How long it takes, in words."""
        if self.seconds <= 90:
            return f"{self.seconds} seconds"
        return f"{round(self.seconds / 60)} minutes"


@by_hash(most=1)
def lessons() -> dict[str, Lesson]:
    """Every lesson in assets/lessons by name, the shortest first."""
    read_all = sorted(map(read, FOLDER.glob("*.json")), key=lambda each: (each.seconds, each.name))
    return {each.name: each for each in read_all}


def lesson(name: str) -> Lesson:
    """One lesson; a typo is answered with the nearest name."""
    return lookup(lessons(), name, "lesson")


def read(path: Path) -> Lesson:
    """A lesson from its file; DataError names every problem of it at once."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        steps = tuple(_step(each) for each in data["steps"])
        lesson = Lesson(
            path.stem,
            data["title"],
            int(data["seconds"]),
            steps,
            tuple(data["takeaways"]),
            data["next"],
        )
    except (OSError, KeyError, TypeError, ValueError) as cause:
        raise DataError(f"{path.name} cannot be read as a lesson: {cause!r}") from cause
    if problems := [p for i, s in enumerate(steps, 1) for p in _problems(i, s)]:
        raise DataError(f"{path.name} cannot be used as a lesson:", problems)
    return lesson


def _step(data: dict[str, Any]) -> Step:
    check = data.get("check")
    return Step(
        **{name: data[name] for name in ("page", "title", "text", "task", "seen", "target")},
        show=data.get("show", data["target"]),
        link=dict(data.get("link", {})),
        check=Check(check["field"], check["kind"], check.get("value")) if check else None,
        own=tuple(data.get("own", ())),
    )


def _problems(place: int, step: Step) -> list[str]:
    problems = []
    if step.page not in {page.name for page in PAGES}:
        problems.append(f"step {place}: no page is called {step.page!r}")
    problems += [f"step {place}: {problem}" for problem in state_of({"v": "1", **step.link})[1]]
    problems += [
        f"step {place}: the state has no field {name!r}" for name in step.own if name not in PATHS
    ]
    if step.check and step.check.field not in PATHS:
        problems.append(f"step {place}: the state has no field {step.check.field!r}")
    elif step.check and step.check.kind not in CHECKS:
        problems.append(f"step {place}: {step.check.kind!r} is none of {', '.join(CHECKS)}")
    elif step.check and step.check.holds(step.state(), step.state()):
        problems.append(f"step {place}: its check holds before the visitor has done anything")
    return problems
