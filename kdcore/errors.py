"""The errors of the lab, drawn as a tree.

LabError                 anything that a person can act on; its text is shown as it is
├── ConfigError          a setting is wrong; lists every problem of a config at once
├── DataError            a file or table is not what it should be; lists every bad row at once
├── RunError             a run could not go on (not-a-number, out of memory, full disk, lost)
└── UnknownNameError     a name that no catalog holds; offers the nearest one

Each class has an exit code of the command line. What code has to know of an error stands in fields
(`cause`, `change`), never in its sentence. What to do about a problem is said in the words
of the place where it is read: a `Cure` names the option of the command line, and its
`for_app` the control on the screen.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, TypeVar

Entry = TypeVar("Entry")
Cause = Literal["", "settings", "data", "memory", "not a number", "disk"]
Change = Mapping[
    str, str | float
]  # settings by their path in a config, such as training.batch_size


class Cure(str):
    """What to do, in the words of the command line; for_app: the same in the words of the app.

    A plain str serves both places.
    """

    __slots__ = ("for_app",)
    for_app: str

    def __new__(cls, command: str, for_app: str) -> "Cure":
        """The text for the command line, carrying the one for the app."""
        cure = super().__new__(cls, command)
        cure.for_app = for_app
        return cure


def phrase(template: str, *cures: str) -> Cure:
    """Fill cures into a sentence, one for each {}, in the words of each place."""
    return Cure(template.format(*map(str, cures)), template.format(*map(for_app, cures)))


def by_import(option: str) -> str:
    """The command that reads a file with an option, for a cure that any command may tell."""
    return f"`kdlab data import FILE {option}`"


def for_app(text: str) -> str:
    """A sentence in the words of the app."""
    return text.for_app if isinstance(text, Cure) else text


class LabError(Exception):
    """Something a person can act on: says what is wrong, what was given, what to do.

    cause: the kind of trouble, "" where no code asks. change: settings that would help, which the
    app can offer. A run that ends with the error keeps both in its status.
    """

    exit_code = 1
    cause: Cause = ""
    change: Change = MappingProxyType({})

    @property
    def for_app(self) -> str:
        """The message in the words of the app."""
        return for_app(self.args[0] if self.args else "")


class _ProblemListError(LabError):
    """A headline and every problem found, so that one attempt shows all of them."""

    def __init__(
        self, headline: str, problems: Iterable[str] = (), *, change: Change | None = None
    ) -> None:
        self.headline, self.change = headline, change or {}
        self.problems = tuple(problems)
        super().__init__("\n".join([headline, *(f"- {problem}" for problem in self.problems)]))

    @property
    def for_app(self) -> str:
        """The headline and every problem in the words of the app."""
        return "\n".join([self.headline, *(f"- {problem}" for problem in self.problems_for_app)])

    @property
    def problems_for_app(self) -> tuple[str, ...]:
        """The problems with their cures in the words of the app."""
        return tuple(map(for_app, self.problems))


class ConfigError(_ProblemListError):
    """A setting is wrong; `problems` holds one sentence for each."""

    exit_code = 2
    cause = "settings"


class DataError(_ProblemListError):
    """A file or table is not what it should be; `problems` names file, line and cure."""

    exit_code = 3
    cause = "data"


class RunError(LabError):
    """A run could not go on; the last good checkpoint is saved."""

    exit_code = 4

    def __init__(self, message: str, *, cause: Cause = "", change: Change | None = None) -> None:
        self.cause, self.change = cause, change or {}
        super().__init__(message)


class UnknownNameError(LabError):
    """A name that no catalog holds."""

    exit_code = 2


def about_settings(problem: str) -> tuple[tuple[str, ...], str]:
    """Split a problem of a config into the settings that it names and what it says of them."""
    names, colon, text = problem.partition(": ")
    return (tuple(names.split(", ")), text) if colon else ((), problem)


def lookup(catalog: Mapping[str, Entry], name: str, kind: str) -> Entry:
    """Return an entry; a typo is answered with the nearest name."""
    if name in catalog:
        return catalog[name]
    raise UnknownNameError(f"no {kind} is called {name!r}: {nearest(name, catalog)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """Ask whether the most similar name was meant; where none is similar, list all."""
    near = get_close_matches(name, names := list(names), n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(names)}"
