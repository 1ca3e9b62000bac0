"""How much a training reads: pairs of each kind and words per text; for twins and estimates."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kdcore.config import DistillConfig, FinetuneConfig, TrainedConfig
from kdcore.data.library import CARD, WORLD
from kdcore.data.names import pairs_of, without_world_log, world_log
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.workspace import Workspace

_SAMPLE = 2000  # pairs whose words are counted
_MOST_GENERATED = 100_000  # pairs of a world up to which it is generated in order to count it
_SPLITS = {"log": 0, "train": 20_000, "validation": 4_000, "test": 10_000}  # as world() has them


@dataclass(frozen=True)
class Texts:
    """Mean words of the texts of some pairs, and distinct queries per pair."""

    query_words: float
    ad_words: float
    queries_per_pair: float


@dataclass(frozen=True)
class DataStats:
    """Pairs to learn from (transfer: soft, labelled: hard) and to score, and their texts.

    transfer_texts: of the pairs that a student learns from; train_texts: those of its twin.
    transfer_hash, validation_hash: content hashes of the pairs that a teacher has to score; of
    validation only the labelled ones. in_shards: pairs of transfer that a teacher has scored in
    shards; they are in no hash.
    """

    transfer: int
    labelled: int
    validation: int
    labelled_validation: int
    test: int
    transfer_texts: Texts
    train_texts: Texts
    transfer_hash: str
    validation_hash: str
    in_shards: int = 0

    @property
    def no_twin(self) -> str:
        """Why no twin can be trained on these data; an empty text when one can."""
        if self.labelled:
            return ""
        return (
            "these data have no labelled training pair, so nothing can be learned without a teacher"
        )


def stats_of(config: TrainedConfig, workspace: Workspace) -> DataStats:
    """Count the pairs that a config trains on; DataError when the data cannot be read.

    The counts are cached per data set, limit and transfer set until the files change. A log of the
    world in shards is not generated: its size is in its name, its texts are like those beside it.
    """
    if not isinstance(config, DistillConfig) or not config.from_shards:
        transfer = getattr(config, "transfer", "train")
        return _counted(config.data, config.limit, transfer, workspace)
    rest = without_world_log(config.data)
    stats = _counted(rest, config.limit, config.transfer_in_memory, workspace)
    log = world_log(config.data)[0]
    log = log or _counted(config.data, config.limit, "log", workspace).transfer
    train = stats.transfer if config.transfer_in_memory == "train" else 0
    return replace(stats, transfer=log + train, in_shards=log)


def _counted(data: str, limit: int, transfer: str, workspace: Workspace) -> DataStats:
    """The pairs of some data, of which these splits are learned from."""
    root = str(workspace.root)
    if sum(world_sizes(data).values()) <= _MOST_GENERATED:
        return _count(data, limit, transfer, root, file_stamps(data, workspace))
    # A big world is not generated: its sizes are in its name, its words are those of a small one.
    most = limit or sum(world_sizes(data).values())
    sizes = _SPLITS | world_sizes(data)
    limited = {k: n if k in ("test", "log") else min(n, most) for k, n in sizes.items()}
    small = ",".join(f"{split}={min(n, _SAMPLE)}" for split, n in sizes.items())
    return replace(
        _count(f"{WORLD}:{small}", 0, transfer, root, ()),
        transfer=sum(limited.get(split, 0) for split in transfer.split("+")),
        labelled=limited["train"],
        validation=limited["validation"],
        labelled_validation=limited["validation"],
        test=limited["test"],
        transfer_hash="",  # unknown, so no teacher counts as having scored these pairs
        validation_hash="",
    )


def world_sizes(data: str) -> dict[str, int]:
    """Pairs per split of a world that is named with its sizes; empty for other data."""
    name, _, sizes = data.partition(":")
    if name != WORLD or not sizes:
        return {}
    parts = (part.partition("=") for part in sizes.split(","))
    return {k.strip(): int(v) for k, _, v in parts if k.strip() in _SPLITS and v.strip().isdigit()}


def file_stamps(data: str, workspace: Workspace) -> tuple[tuple[int, int], ...]:
    """Change times and sizes of the files that the data are read from, where these are named."""
    path = Path(data).expanduser()
    stamps = []
    for file in (workspace.data / data / CARD, path / CARD, path):
        with suppress(OSError, ValueError):
            stat = file.stat()
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


@lru_cache(maxsize=64)
def _count(
    data: str, limit: int, transfer: str, root: str, stamps: tuple[tuple[int, int], ...]
) -> DataStats:
    """Load the pairs and count them; stamps only tell the cache when the files have changed."""
    request = FinetuneConfig(data=data, limit=limit)
    pairs = pairs_of(request, Workspace(Path(root)))
    learned = transfer_set(pairs, transfer)
    sizes = {split: len(pairs.split(split)) for split in pairs.splits}
    labelled = pairs.split("validation").labelled() if "validation" in sizes else None
    texts = _texts(learned)
    return DataStats(
        transfer=len(learned),
        labelled=len(pairs.split("train").labelled()),
        validation=sizes.get("validation", 0),
        labelled_validation=0 if labelled is None else len(labelled),
        test=sizes.get("test", 0),
        transfer_texts=texts,
        train_texts=texts if transfer == "train" else _texts(transfer_set(pairs, "train")),
        transfer_hash=learned.content_hash,
        validation_hash="" if labelled is None else labelled.content_hash,
    )


def _texts(pairs: PairTable) -> Texts:
    sample = pairs.frame.iloc[:_SAMPLE]
    query_words, ad_words = (
        sum(len(text.split()) for text in texts) / max(len(sample), 1)
        for texts in (sample["query"], sample["title"] + " " + sample["description"])
    )
    return Texts(query_words, ad_words, pairs.frame["query"].nunique() / max(len(pairs), 1))
