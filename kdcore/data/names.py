"""Pairs by the name that configs and the command line use, sizes of the world included."""

from typing import Any

from kdcore.data.library import WORLD, load_data
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.workspace import Workspace

SIZES = ("seed", "log", "train", "validation", "test")


def named_pairs(name: str, workspace: Workspace | None = None) -> PairTable:
    """What load_data gives; `world:log=50000,train=5000` names the bundled world in other sizes."""
    world, _, tail = name.partition(":")
    if world == WORLD and tail:
        return load_data(WORLD, workspace=workspace, **_sizes(name, tail))
    return load_data(name, workspace=workspace)


def _sizes(name: str, tail: str) -> dict[str, Any]:
    sizes: dict[str, Any] = {}
    problems = []
    for part in tail.split(","):
        key, _, value = part.partition("=")
        if key not in SIZES or not value.isascii() or not value.isdigit():
            problems.append(f"data: {part!r} is no size; write {', '.join(SIZES)}=NUMBER")
        else:
            sizes[key] = int(value)
    if problems:
        raise ConfigError(f"{name} cannot be made:", problems)
    return sizes
