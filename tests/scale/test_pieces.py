"""A log in pieces holds the bytes of the log in memory."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from kdcore.data.pairs import PairTable
from kdcore.data.world import world
from kdcore.errors import DataError
from kdcore.scale import pieces
from kdcore.scale.pieces import Pieces, pieces_of, world_log_pieces
from kdcore.workspace import Workspace


@pytest.fixture(scope="module")
def log() -> PairTable:
    return world(3, log=6050, train=0, validation=0, test=0)


@pytest.fixture
def home(tmp_path) -> Workspace:
    return Workspace(tmp_path)


def test_the_log_of_the_world_is_the_same_in_pieces(log: PairTable, home: Workspace):
    cut = world_log_pieces("world:log=6050,seed=3", home, size=1000)
    assert cut.rows == 6050
    files = sorted(cut.folder.glob("piece-*.parquet"))
    whole = pd.concat([pq.read_table(path).to_pandas() for path in files], ignore_index=True)
    pd.testing.assert_frame_equal(whole, log.frame)
    some = cut.read(990, 2010)
    assert some.content_hash == log.frame.iloc[990:2010].pipe(_table, log).content_hash


def test_an_interrupted_log_is_continued_to_the_same_bytes(home: Workspace, monkeypatch):
    whole = world_log_pieces("world:log=6050,seed=3", home, size=1000)
    before = {path.name: path.read_bytes() for path in whole.folder.iterdir()}
    (whole.folder / "pieces.json").unlink()
    for first in (4000, 5000, 6000):
        (whole.folder / f"piece-{first:012d}.parquet").unlink()
    skipped = []
    monkeypatch.setattr(
        pieces,
        "log_frames",
        lambda pairs, seed, skip: skipped.append(skip) or _frames(pairs, seed, skip),
    )
    world_log_pieces("world:log=6050,seed=3", home, size=1000)
    assert skipped == [4000]
    assert {path.name: path.read_bytes() for path in whole.folder.iterdir()} == before


def test_pairs_in_memory_are_cut_into_the_same_rows(log: PairTable, home: Workspace):
    cut = pieces_of(log, "log", home, size=2500)
    assert cut.read(0, 6050).content_hash == log.content_hash
    assert cut.key != world_log_pieces("world:log=6050,seed=3", home, size=1000).key
    assert Pieces.open(cut.folder) == cut


def test_a_piece_that_was_changed_is_refused(log: PairTable, home: Workspace):
    cut = pieces_of(log, "log", home, size=2500)
    path = cut.folder / f"piece-{2500:012d}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert len(cut.read(0, 2500)) == 2500
    with pytest.raises(DataError, match="was changed after it was written"):
        cut.read(2400, 2600)


def test_rows_outside_the_split_are_refused(log: PairTable, home: Workspace):
    cut = pieces_of(log, "log", home)
    with pytest.raises(DataError, match="are not in 6,050 pairs"):
        cut.read(6000, 6051)


_frames = pieces.log_frames


def _table(frame: pd.DataFrame, like: PairTable) -> PairTable:
    return PairTable(frame, like.scheme, like.name)
