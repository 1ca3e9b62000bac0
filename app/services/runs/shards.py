"""Teachers' answers that are stored in shards: what there is to learn from, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.kit.by_hash import by_hash
from app.services import access
from app.services.boards import refuse_other_data
from app.services.scoring import Model
from kdcore.config import DistillConfig, InferConfig
from kdcore.data.library import WORLD
from kdcore.data.names import without_world_log
from kdcore.errors import ConfigError
from kdcore.experiments.command_line import command_of
from kdcore.runs.store import RunStore
from kdcore.scale.stored import StoredShards, stored_shards

_EXAMPLE = "log=100000"  # of the world, in the command shown where no shards are stored yet


@dataclass(frozen=True)
class ShardSet:
    """A set of stored shards as a page offers it.

    teacher: the key of the run whose answers they hold, or its name where it is not offered.
    unusable: why no student can learn from them here, as the end of a sentence.
    """

    teacher: str
    title: str
    stored: StoredShards
    unusable: str = ""

    @property
    def data(self) -> str:
        """The data whose log was scored, as a config names them."""
        return self.stored.scoring.data

    @property
    def command(self) -> str:
        """The command that scores these pairs, and that continues an interrupted scoring."""
        return command_of(self.stored.scoring)


@by_hash(most=1, seconds=3, on=lambda: access.home().root)
def stored() -> tuple[StoredShards, ...]:
    """All shards of the workspace, finished ones first; read anew every few seconds."""
    return tuple(stored_shards(access.home()))


def shard_sets(offered: Mapping[str, Model]) -> tuple[ShardSet, ...]:
    """All stored sets, with the keys of their teachers. offered: runs that may teach, by key."""
    runs = RunStore(access.home().runs)
    keys = {runs.reference(model.run): key for key, model in offered.items()}
    sets = []
    for each in stored():
        run = each.scoring.run
        key = keys.get(run, "")
        title = offered[key].title if key else Path(run).name
        sets.append(ShardSet(key or run, title, each, each.unusable or _strange(each)))
    return tuple(sets)


def data_in_memory(config: DistillConfig) -> str:
    """The data that a draft loads: a log of the world in shards is read from them, however long."""
    return without_world_log(config.data) if config.from_shards else config.data


def _strange(each: StoredShards) -> str:
    """Why the page cannot take the data of some shards."""
    try:
        refuse_other_data(without_world_log(each.scoring.data))
    except ConfigError:
        return "their data are no data set of the lab; import them under Data"
    return ""


def of_config(config: DistillConfig) -> StoredShards | None:
    """The stored shards that a distillation learns from; None where there are none."""
    complete = (each for each in stored() if each.is_finished and not each.unusable)
    return next((s for s in complete if s.answers(config.teacher, config.data)), None)


def misfits(config: DistillConfig) -> tuple[str, ...]:
    """A problem where the shards that a draft names are not there, or not all of them."""
    if not config.from_shards or of_config(config) is not None:
        return ()
    sets = (each for each in stored() if each.answers(config.teacher, config.data))
    reason = f"its answers on the log of {config.data} are not stored in shards"
    if (mine := next(sets, None)) is not None:
        reason = mine.unusable or f"it has not scored the log of {config.data} to its end"
    return (f"teacher: {reason}; choose a set that is stored",)


def example(teacher: str, data: str) -> str:
    """The command that stores a run's answers on a log. teacher: as a config names it."""
    if data.partition(":")[0] == WORLD and "log=" not in data:
        data = f"{data},{_EXAMPLE}" if ":" in data else f"{WORLD}:{_EXAMPLE}"
    return command_of(InferConfig(run=teacher, data=data, splits=("log",), on="local:2"))
