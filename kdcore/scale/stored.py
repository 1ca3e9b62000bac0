"""What a workspace has stored in shards: whose logits on which pairs, and what is unfinished."""

from contextlib import suppress
from dataclasses import dataclass

from kdcore.config import InferConfig
from kdcore.data.names import world_log
from kdcore.errors import LabError
from kdcore.runs.store import Run, RunStore
from kdcore.scale.shards import Layout, ShardStore, find_store, missing, shards_folder
from kdcore.workspace import Workspace, read_json


@dataclass(frozen=True)
class StoredShards:
    """The logits of a run on a split, as a scoring with `on` stores them, or begins to.

    scoring: the config that made them, and that goes on with them. state: "finished" when every
    shard is there, else that of the run that scores. scored: pairs in finished shards, of `pairs`,
    which is 0 while it is not known. shards, shard_rows, size (bytes) and at (seconds since the
    epoch) are those of finished ones. unusable: why no student can learn from finished ones, as the
    end of a sentence.
    """

    scoring: InferConfig
    split: str
    state: str
    pairs: int
    scored: int
    shards: int = 0
    shard_rows: int = 0
    size: int = 0
    at: float = 0.0
    unusable: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether every shard is there."""
        return self.state == "finished"

    def answers(self, teacher: str, data: str) -> bool:
        """Whether they are this teacher's logits on the log of these data, finished or not.

        The log of the world is decided by its size and seed, whatever the other splits are.
        """
        same = data == self.scoring.data
        log = world_log(self.scoring.data)
        same = same or (bool(log[0]) and world_log(data) == log)
        return self.split == "log" and same and teacher == self.scoring.run


def stored_shards(workspace: Workspace) -> list[StoredShards]:
    """Every set of shards that a run of this workspace has written or begun, finished ones first.

    Of several scorings of the same pairs by the same run there is one: that which a student would
    learn from, else the newest. Within both groups the newest come first.
    """
    finished: dict[tuple[str, str, str], StoredShards] = {}
    begun: dict[tuple[str, str, str], StoredShards] = {}
    for run in RunStore(workspace.runs).list():
        with suppress(LabError):
            config = run.config if run.is_scoring else None
            if not isinstance(config, InferConfig) or not config.on:
                continue
            for split in config.splits:
                each = _stored(run, config, split, workspace)
                group = finished if each.is_finished else begun
                group.setdefault((config.run, config.data, split), each)
    newest_first = sorted(finished.values(), key=lambda each: -each.at)
    return newest_first + [each for key, each in begun.items() if key not in finished]


def _stored(run: Run, config: InferConfig, split: str, workspace: Workspace) -> StoredShards:
    """What a scoring has stored of a split. LabError when its files are damaged."""
    manifest = read_json(run.predictions_path(split).with_suffix(".json"))
    status = run.status()
    try:
        layout = Layout.of_manifest(manifest)
    except (KeyError, TypeError):  # it has not come to its end
        counts = len(config.splits) == 1 and status.stage == "infer"
        total, done = (status.total_steps, status.step) if counts else (0, 0)
        state = "incomplete" if status.state == "finished" else status.state
        return StoredShards(config, split, state, total, done)
    store = None
    with suppress(LabError):  # some of its files are gone
        store = find_store(workspace, layout.model, layout.data)
    if store is None:
        left = sum(map(len, missing(shards_folder(workspace) / layout.name, layout)))
        return StoredShards(config, split, "incomplete", layout.rows, layout.rows - left)
    return _finished(store, config, split, workspace)


def _finished(
    store: ShardStore, config: InferConfig, split: str, workspace: Workspace
) -> StoredShards:
    layout, classes, unusable = store.layout, len(store.layout.classes), ""
    try:
        RunStore(workspace.runs).get(config.run).require_model()
    except LabError:
        unusable = "the run whose logits they are is no longer here"
    if layout.k < classes:
        unusable = f"they keep {layout.k} of {classes} logits per pair, and a student needs all"
    if split != "log":
        unusable = "a student reads the log from shards, and these hold another split"
    return StoredShards(
        config,
        split,
        "finished",
        layout.rows,
        layout.rows,
        len(store.shards),
        layout.shard_rows,
        store.size,
        store.finished,
        unusable,
    )
