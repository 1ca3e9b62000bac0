"""Load pairs by the names of configs and the command line; the world takes sizes in its name."""

from typing import Any

from kdcore.config import InferConfig, StageConfig
from kdcore.data.library import WORLD, is_imported, load_data
from kdcore.data.pairs import PairTable
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError
from kdcore.workspace import Workspace

SIZES = ("seed", "log", "train", "validation", "test")


def pairs_of(
    config: StageConfig,
    workspace: Workspace | None = None,
    own: Workspace | None = None,
    *,
    log: bool = True,
) -> PairTable:
    """Load the pairs of a stage, cut a test split where there is none, apply the limit.

    The data set is looked up in `workspace`. When none is given: in `own`, the workspace of the
    run, if the data set was imported there, else in the default workspace. A stage that reads the
    log in pieces (kdcore.scale) gets the world without it, and so does who asks for no log.
    """
    if workspace is None and own is not None and is_imported(config.data, own):
        workspace = own
    is_left_out = config.leaves_log_out or not log
    data = without_world_log(config.data) if is_left_out else config.data
    pairs = named_pairs(data, workspace)
    if not (isinstance(config, InferConfig) and config.as_is):
        pairs = with_test_split(pairs)
    return pairs.limit(config.limit, whole=("test", "log")) if config.limit else pairs


def named_pairs(name: str, workspace: Workspace | None = None) -> PairTable:
    """What load_data gives; `world:log=50000,train=5000` names the bundled world in other sizes."""
    world, _, tail = name.partition(":")
    if world == WORLD and tail:
        return load_data(WORLD, workspace=workspace, **_sizes(name, tail))
    return load_data(name, workspace=workspace)


def world_log(name: str) -> tuple[int, int]:
    """The pairs of the log and the seed of `world:log=N,seed=S`; no pairs where it names none."""
    world, _, tail = name.partition(":")
    sizes = _sizes(name, tail) if world == WORLD and tail else {}
    return sizes.get("log", 0), sizes.get("seed", 0)


def without_world_log(name: str) -> str:
    """The name of the same world without its log; another name as it is."""
    if not world_log(name)[0]:
        return name
    world, _, tail = name.partition(":")
    rest = [part for part in tail.split(",") if not part.startswith("log=")]
    return f"{world}:{','.join(rest)}" if rest else world


def _sizes(name: str, tail: str) -> dict[str, Any]:
    sizes: dict[str, Any] = {}
    problems = []
    for part in tail.split(","):
        key, _, value = part.partition("=")
        if key not in SIZES or not value.isascii() or not value.isdigit():
            problems.append(f"data: {part!r} is not a size; write {', '.join(SIZES)}=NUMBER")
        else:
            sizes[key] = int(value)
    if problems:
        raise ConfigError(f"{name} cannot be generated:", problems)
    return sizes
