"""How much a training reads: pairs of each kind and words of a text; for twins and estimates."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.data.library import CARD, WORLD
from kdcore.data.names import pairs_of
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.workspace import Workspace

_LOOKED_AT = 2000  # pairs whose words are counted
_MADE = 100_000  # pairs of a world that is still made in order to count it
_SPLITS = {"log": 0, "train": 20_000, "validation": 4_000, "test": 10_000}  # as world() has them


@dataclass(frozen=True)
class Amounts:
    """Pairs that are learned from (transfer: soft, labelled: hard) and scored; mean words.

    judged: labelled ones of validation. queries: distinct queries for each pair that is learned
    from. transfer_hash, judged_hash: content hashes of the pairs that a teacher has to answer.
    """

    transfer: int
    labelled: int
    validation: int
    judged: int
    test: int
    query_words: float
    ad_words: float
    queries: float
    transfer_hash: str
    judged_hash: str


def amounts_of(config: DistillConfig | FinetuneConfig, workspace: Workspace) -> Amounts:
    """Counted once for each data set and limit; DataError when the data cannot be read."""
    transfer = getattr(config, "transfer", "train")
    if sum(sizes_of(config.data).values()) > _MADE:
        return _reckoned(config, transfer, workspace)
    return _counted(
        config.data, config.limit, transfer, str(workspace.root), _looks(config.data, workspace)
    )


def sizes_of(data: str) -> dict[str, int]:
    """Pairs of each split of a world named with its sizes; nothing for other data."""
    name, _, told = data.partition(":")
    if name != WORLD or not told:
        return {}
    parts = (part.partition("=") for part in told.split(","))
    return {k.strip(): int(v) for k, _, v in parts if k.strip() in _SPLITS and v.strip().isdigit()}


def _reckoned(
    config: DistillConfig | FinetuneConfig, transfer: str, workspace: Workspace
) -> Amounts:
    """The amounts of a big world by its sizes: the words of a small one, nothing is made."""
    most = config.limit or sum(sizes_of(config.data).values())
    sizes = _SPLITS | sizes_of(config.data)
    limited = {k: n if k in ("test", "log") else min(n, most) for k, n in sizes.items()}
    small = ",".join(f"{split}={min(n, _LOOKED_AT)}" for split, n in sizes.items())
    like = _counted(f"{WORLD}:{small}", 0, transfer, str(workspace.root), ())
    return replace(
        like,
        transfer=sum(limited.get(split, 0) for split in transfer.split("+")),
        labelled=limited["train"],
        validation=limited["validation"],
        judged=limited["validation"],
        test=limited["test"],
        transfer_hash="",  # unknown, so no teacher is believed to have answered them
        judged_hash="",
    )


def _looks(data: str, workspace: Workspace) -> tuple[tuple[int, int], ...]:
    """Moment and size of the files that the data are read from, as far as they are named."""
    path = Path(data).expanduser()
    found = []
    for file in (workspace.data / data / CARD, path / CARD, path):
        with suppress(OSError, ValueError):
            about = file.stat()
            found.append((about.st_mtime_ns, about.st_size))
    return tuple(found)


@lru_cache(maxsize=64)
def _counted(
    data: str, limit: int, transfer: str, root: str, looks: tuple[tuple[int, int], ...]
) -> Amounts:
    asked = FinetuneConfig(data=data, limit=limit)
    pairs = pairs_of(asked, Workspace(Path(root)))
    learned = transfer_set(pairs, transfer)
    query, ad = _words(learned)
    judged = pairs.split("validation").labelled() if "validation" in pairs.splits else None
    return Amounts(
        transfer=len(learned),
        labelled=len(pairs.split("train").labelled()),
        validation=_size(pairs, "validation"),
        judged=0 if judged is None else len(judged),
        test=_size(pairs, "test"),
        query_words=query,
        ad_words=ad,
        queries=learned.frame["query"].nunique() / max(len(learned), 1),
        transfer_hash=learned.content_hash,
        judged_hash="" if judged is None else judged.content_hash,
    )


def _size(pairs: PairTable, split: str) -> int:
    return len(pairs.split(split)) if split in pairs.splits else 0


def _words(pairs: PairTable) -> tuple[float, float]:
    """Mean words of a query and of an ad among the first pairs."""
    frame = pairs.frame.iloc[:_LOOKED_AT]
    query = [len(text.split()) for text in frame["query"]]
    ad = [len(text.split()) for text in frame["title"] + " " + frame["description"]]
    return sum(query) / max(len(query), 1), sum(ad) / max(len(ad), 1)
