"""Score a split in shards: distribute the missing ones, then write the manifest."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from kdcore.config import InferConfig
from kdcore.config.executor import Place
from kdcore.data.answers.regrade import model_scheme
from kdcore.data.names import world_log
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.models.predict import stored_precision
from kdcore.predictions import model_hash
from kdcore.scale.cluster import on_ray
from kdcore.scale.local import Outcome, Task, in_process, in_processes
from kdcore.scale.pieces import Pieces, pieces_of, world_log_pieces
from kdcore.scale.score import Work
from kdcore.scale.shards import (
    Layout,
    ShardStore,
    missing,
    shards_folder,
    write_manifest,
)
from kdcore.scale.tasks import SCORE
from kdcore.workspace import Workspace

SHOWN = 5  # failed shards for which the message gives the reason


def split_pieces(data: str, split: str, pairs: PairTable, workspace: Workspace) -> Pieces:
    """The pairs of a split in files that are read by rows. pairs: the data set, without its log.

    The log of the world is generated piece by piece; all other pairs are in `pairs`.
    """
    if split == "log" and world_log(data)[0]:
        return world_log_pieces(data, workspace)
    return pieces_of(pairs, split, workspace)


def layout_of(model_folder: Path, pieces: Pieces, split: str, config: InferConfig) -> Layout:
    """Which shards a config asks for."""
    classes = model_scheme(model_folder).grades
    return Layout(
        model=model_hash(model_folder),
        data=pieces.key,
        split=split,
        rows=pieces.rows,
        shard_rows=config.shard_rows,
        classes=classes,
        k=min(config.top_k, len(classes)),
        precision=stored_precision(config.precision),
    )


def work_of(
    config: InferConfig, layout: Layout, pieces: Pieces, model_folder: Path, folder: Path
) -> Work:
    """All that a worker needs to score a shard. folder: where the shards are written."""
    # a task on Ray sees the one GPU that it was given
    any_gpu = config.on.startswith("ray") and config.device.startswith("cuda")
    return Work(
        str(model_folder.resolve()),
        str(pieces.folder.resolve()),
        str(folder.resolve()),
        layout,
        "cuda" if any_gpu else config.device,
        config.batch_size,
        config.threads or 1,
    )


def score_split(
    config: InferConfig,
    split: str,
    pieces: Pieces,
    model_folder: Path,
    workspace: Workspace,
    watch: Callable[[int], None] = lambda done: None,
) -> ShardStore:
    """Score a split with the executor of the config; shards that are finished are not scored again.

    watch: called with the number of rows done; an error that it raises ends the work. RunError
    names the shards that failed, once all others are done.
    """
    layout = layout_of(model_folder, pieces, split, config)
    folder = shards_folder(workspace) / layout.name
    folder.mkdir(parents=True, exist_ok=True)
    work = work_of(config, layout, pieces, model_folder, folder).to_dict()
    shards = missing(folder, layout)
    tasks: list[Task] = [{"do": SCORE, "work": work, "shard": asdict(each)} for each in shards]
    done = layout.rows - sum(map(len, shards))
    watch(done)
    failures = []
    for outcome in outcomes_of(tasks, Place.parse(config.on), config.device, workspace.root):
        if outcome.error:
            failures.append(f"{shards[outcome.number].words}: {outcome.error}")
        else:
            done += len(shards[outcome.number])
            watch(done)
    if failures:
        more = f"; and {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
        raise RunError(
            f"{len(failures)} of {len(layout.shards())} shards could not be scored; the others are "
            f"finished. {'; '.join(failures[:SHOWN])}{more}"
        )
    return write_manifest(folder, layout)


def outcomes_of(tasks: list[Task], place: Place, device: str, shared: Path) -> Iterator[Outcome]:
    """Do tasks with the executor of a place; no worker starts when there is no task.

    shared: a folder that all machines must see.
    """
    if not tasks:
        return iter(())
    if place.engine == "ray":
        return on_ray(tasks, place, shared=shared, device=device)
    return in_processes(tasks, place.workers) if place.workers > 1 else in_process(tasks)
