"""Settings as YAML (or JSON, which is YAML too), read within bounds: no text takes long to read."""

from pathlib import Path
from typing import Any

import yaml

LONGEST = 1_000_000  # letters of a file of settings
DEEPEST = 30  # groups inside groups
MOST = 10_000  # values, those that an alias (*name) repeats counted each time


def read_yaml(text: str) -> Any:
    """What a text of YAML says; yaml.YAMLError when it is none, or is larger than settings are."""
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"{len(text):,} letters are more than settings need ({LONGEST:,})")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):  # before anything is built of it
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested deeper than {DEEPEST} groups")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None and _values(root, {}, set()) > MOST:
        raise yaml.YAMLError(f"it holds more than {MOST:,} values, its aliases written out")
    return yaml.safe_load(text)


def read_settings_file(path: Path) -> Any:
    """The same of a file; OSError and UnicodeDecodeError as they come."""
    with path.open(encoding="utf-8") as file:
        return read_yaml(file.read(LONGEST + 1))


def read_assignments(text: str) -> dict[str, Any]:
    """`layers=4,hidden=256` as a mapping; each value is read as YAML."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    return {key.strip(): read_yaml(value) for key, _, value in pairs}


def _values(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """How many values a node stands for; one that an alias leads back into has no end."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    key = id(node)
    if key in above:
        raise yaml.YAMLError("an alias leads back into its own group")
    if key not in known:
        parts = [part for entry in node.value for part in _parts(entry)]
        known[key] = 1 + sum(_values(part, known, above | {key}) for part in parts)
    return known[key]


def _parts(entry: Any) -> tuple[yaml.Node, ...]:
    """A list holds nodes, a mapping pairs of them."""
    return entry if isinstance(entry, tuple) else (entry,)
