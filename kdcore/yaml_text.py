"""Read settings as YAML (or JSON, which is YAML too) within bounds, so that no text takes long."""

import json
import re
from typing import Any

import yaml

_PART = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,])+')
LONGEST = 1_000_000  # letters of a file of settings
DEEPEST = 30  # groups inside groups
MOST = 10_000  # values, those that an alias (*name) repeats counted each time


def read_yaml(text: str) -> Any:
    """Read a text of YAML; yaml.YAMLError when it is not YAML, or larger than settings are."""
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"{len(text):,} letters are more than settings need ({LONGEST:,})")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):  # before any object is built
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested deeper than {DEEPEST} groups")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None and _values(root, {}, set()) > MOST:
        raise yaml.YAMLError(f"it holds more than {MOST:,} values, its aliases written out")
    return yaml.safe_load(text)


def read_assignments(text: str) -> dict[str, Any]:
    """Read `layers=4,hidden=256` as a mapping; each value is YAML, its quoted commas its own."""
    pairs = [part.partition("=") for part in _PART.findall(text)]
    return {key.strip(): read_yaml(value) for key, _, value in pairs}


def assigned(value: Any) -> str:
    """A value as read_assignments reads it; quoted where a text would else be something else."""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    try:
        plain = "," not in value and '"' not in value and read_yaml(value) == value
    except yaml.YAMLError:
        plain = False
    return value if plain else json.dumps(value, ensure_ascii=False)


def _values(node: yaml.Node, counts: dict[int, int], parents: set[int]) -> int:
    """Count the values of a node, aliases written out; a cycle of aliases raises YAMLError."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    key = id(node)
    if key in parents:
        raise yaml.YAMLError("an alias leads back into its own group")
    if key not in counts:
        # a list holds nodes, a mapping pairs of them
        parts = [p for e in node.value for p in (e if isinstance(e, tuple) else (e,))]
        counts[key] = 1 + sum(_values(part, counts, parents | {key}) for part in parts)
    return counts[key]
