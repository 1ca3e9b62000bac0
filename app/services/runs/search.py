"""The search box of the table of runs: `T=4 state=finished twin` and what each term means.

`key=value` asks for a setting of just this name and value; every other term is looked for in the
run's title, id, note, tags, state and settings. All terms must hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services.runs.entry import Entry

SYNONYMS: Mapping[str, str] = {
    "t": "method.params.temperature",
    "temp": "method.params.temperature",
    "lr": "training.learning_rate",
    "batch": "training.batch_size",
    "student": "student.name",
    "pairs": "limit",
    "hard": "hard_weight",
    "soft": "soft_weight",
    "tags": "tag",
    "status": "state",
}


@dataclass(frozen=True)
class Searched:
    """A run as the search sees it. settings: by their paths; facts: what is no setting."""

    text: str
    settings: Mapping[str, Any]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Term:
    """One word of a search. key: "" where it has none; value: in lower case."""

    key: str
    value: str

    def holds(self, run: Searched, keys: frozenset[str]) -> bool:
        """Whether a run fits; a key that no run has (`keys`) makes the whole term a plain word."""
        if self.key in run.facts:
            return self.value in run.facts[self.key].casefold()
        if self.key not in keys:
            word = f"{self.key}={self.value}" if self.key else self.value
            return word in run.text.casefold()
        return any(
            _equal(value, self.value)
            for path, value in run.settings.items()
            if self.key in _keys_of(path)
        )


def terms(search: str) -> list[Term]:
    """The terms of a search, split at blanks."""
    parsed = []
    for word in search.casefold().split():
        key, sign, value = word.partition("=")
        parsed.append(Term(SYNONYMS.get(key, key), value) if sign and key else Term("", word))
    return parsed


def matches(entries: Sequence[Entry], search_terms: Sequence[Term]) -> list[Entry]:
    """The runs for which all terms hold."""
    keys = setting_keys(e.row.settings for e in entries)
    return [e for e in entries if all(term.holds(_searched(e), keys) for term in search_terms)]


def _searched(entry: Entry) -> Searched:
    row, mark = entry.row, entry.mark
    facts = {
        "state": row.state,
        "id": entry.key,
        "title": entry.title,
        "note": mark.note,
        "role": entry.role,
        "group": row.run.purpose.group,
        "sweep": f"{row.run.purpose.sweep} {row.run.purpose.group}",
        "tag": " ".join(mark.tags),
        "model": entry.student,
        "method": entry.method,
        "family": f"{entry.family} {entry.family_title}",
    }
    text = (entry.title, entry.key, entry.method, row.state, mark.note, row.run.purpose.sweep)
    settings = (f"{path} {value}" for path, value in row.settings.items() if value is not None)
    return Searched("\n".join((*text, *mark.tags, *settings)), row.settings, facts)


def setting_keys(settings: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every key that names a setting of some run."""
    return frozenset(
        key for path in {p for each in settings for p in each} for key in _keys_of(path)
    )


def _keys_of(path: str) -> list[str]:
    """The keys that name a setting: its whole path, and every end of it."""
    parts = path.casefold().split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


def _equal(value: Any, typed: str) -> bool:
    """Numbers are equal as numbers (4 and 4.0, 2,000 and 2000), texts letter by letter."""
    text = str(value).casefold()
    try:
        return float(text) == float(typed.replace(",", ""))
    except ValueError:
        return text == typed
