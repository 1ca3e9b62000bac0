"""The pairs of a split as files of 50,000, so that any range of rows is read without the rest.

A folder of pieces holds piece-<first row>.parquet, each with every column of its pairs, and
pieces.json, written last. The bundled world writes its log this way as it generates it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.data.library import world_digest
from kdcore.data.names import world_log
from kdcore.data.pairs import COLUMNS, PairTable, part_of
from kdcore.data.world import NAME, SOURCE, log_frames
from kdcore.errors import DataError
from kdcore.labels import FOUR_GRADES, LabelScheme
from kdcore.stops import heed
from kdcore.workspace import Workspace, read_json, replacing, write_json_atomic

ROWS = 50_000  # of a piece
CARD = "pieces.json"


@dataclass(frozen=True)
class Pieces:
    """The pairs of one split in files.

    hashes: the content hash of each piece; size: pairs of a piece, the last may have fewer.
    """

    folder: Path
    name: str
    scheme: LabelScheme
    rows: int
    size: int
    hashes: tuple[str, ...]

    @property
    def key(self) -> str:
        """16 hex digits that change with any pair or grade; not `PairTable.content_hash`.

        That hash needs whole columns, and this log is never in memory as a whole.
        """
        text = json.dumps([self.scheme.to_dict(), self.rows, self.size, self.hashes])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @classmethod
    def open(cls, folder: Path) -> "Pieces":
        """Read the card of a folder; DataError when it is missing or damaged."""
        card = read_json(folder / CARD)
        try:
            scheme = LabelScheme.from_dict(card["scheme"])
            hashes = tuple(map(str, card["hashes"]))
            return cls(folder, card["name"], scheme, int(card["rows"]), int(card["size"]), hashes)
        except (KeyError, TypeError, ValueError) as cause:
            raise DataError(
                f"{folder} holds no pieces of a data set ({cause}); delete it"
            ) from None

    def read(self, first: int, last: int, columns: Sequence[str] = COLUMNS) -> PairTable:
        """The pairs at rows first..last-1; DataError when a file was changed or is missing.

        columns: those of PairTable by default; the files hold all that the data set has.
        """
        if not 0 <= first < last <= self.rows:
            raise DataError(f"rows {first:,} to {last:,} are not in {self.rows:,} pairs")
        frames = []
        for place in range(first // self.size, -(-last // self.size)):
            start = place * self.size
            frame = self._piece(place, tuple(columns)).frame
            frames.append(frame.iloc[max(first - start, 0) : last - start])
        frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        return PairTable(frame, self.scheme, self.name)

    def _piece(self, place: int, columns: Sequence[str]) -> PairTable:
        path = _path(self.folder, place * self.size)
        try:
            frame = pq.read_table(path, columns=list(columns)).to_pandas()
        except (OSError, pa.ArrowException) as cause:
            raise DataError(f"{path} cannot be read ({cause}); delete its folder") from cause
        table = PairTable(frame, self.scheme, self.name)
        if table.content_hash != self.hashes[place]:
            raise DataError(f"{path} was changed after it was written; delete its folder")
        return table


def pieces_of(pairs: PairTable, split: str, workspace: Workspace, size: int = ROWS) -> Pieces:
    """The pairs of a split of a data set that is in memory, cut into files once."""
    part = part_of(pairs, split)
    folder = workspace.cache_folder("pieces") / f"{part.content_hash}-{size}"
    frames = (part.frame.iloc[at : at + size] for at in range(0, len(part), size))
    return _made(folder, part.name, part.scheme, len(part), size, frames)


def world_log_pieces(data: str, workspace: Workspace, size: int = ROWS) -> Pieces:
    """The log of `world:log=N,seed=S`, generated piece by piece; an interrupted one is continued.

    ConfigError when the name asks for no log.
    """
    pairs, seed = world_log(data)
    folder = _world_folder(data, workspace, size)
    whole = 0
    while _path(folder, whole).exists() and whole + size <= pairs:
        whole += size  # a file that is there is complete
    frames = log_frames(pairs, seed, skip=whole)
    return _made(folder, NAME, FOUR_GRADES, pairs, size, frames, whole)


def log_pieces(data: str, pairs: PairTable, workspace: Workspace) -> Pieces | None:
    """The log of some data as it was scored in shards; None when that of the world is not there.

    pairs: the data set, which holds the log unless it is that of the world.
    """
    if not world_log(data)[0]:
        return pieces_of(pairs, "log", workspace)
    folder = _world_folder(data, workspace, ROWS)
    return Pieces.open(folder) if (folder / CARD).exists() else None


def _world_folder(data: str, workspace: Workspace, size: int) -> Path:
    pairs, seed = world_log(data)
    digest = world_digest({"log": pairs, "seed": seed})
    return workspace.cache_folder("pieces") / f"{digest}-{size}"


def _made(
    folder: Path,
    name: str,
    scheme: LabelScheme,
    rows: int,
    size: int,
    frames: Iterator[pd.DataFrame],
    whole: int = 0,
) -> Pieces:
    """Write what is missing of a folder of pieces; whole: rows that are in finished files."""
    if (folder / CARD).exists():
        return Pieces.open(folder)
    hashes = [_hash(folder, at, scheme) for at in range(0, whole, size)]
    for first, frame in zip(range(whole, rows, size), _cut(frames, size), strict=True):
        heed()
        with replacing(_path(folder, first)) as temporary:
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), temporary)
        hashes.append(PairTable(frame, scheme, name).content_hash)
    card = {"name": name, "source": SOURCE if name == NAME else "", "scheme": scheme.to_dict()}
    write_json_atomic(folder / CARD, card | {"rows": rows, "size": size, "hashes": hashes})
    return Pieces.open(folder)


def _cut(frames: Iterator[pd.DataFrame], size: int) -> Iterator[pd.DataFrame]:
    """Join frames and cut them into frames of so many rows; the last may have fewer."""
    waiting: list[pd.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        while sum(map(len, waiting)) >= size:
            whole = pd.concat(waiting, ignore_index=True)
            yield whole.iloc[:size].reset_index(drop=True)
            waiting = [whole.iloc[size:]]
    if sum(map(len, waiting)):
        yield pd.concat(waiting, ignore_index=True)


def _hash(folder: Path, first: int, scheme: LabelScheme) -> str:
    frame = pq.read_table(_path(folder, first), columns=list(COLUMNS)).to_pandas()
    return PairTable(frame, scheme, folder.name).content_hash


def _path(folder: Path, first: int) -> Path:
    return folder / f"piece-{first:012d}.parquet"
