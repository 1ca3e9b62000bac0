"""Score the rows of a shard with a model and write them; every executor calls this."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from kdcore.errors import DataError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.models.predict import score
from kdcore.predictions import model_hash
from kdcore.scale.pieces import Pieces
from kdcore.scale.shards import Layout, Shard, write_shard
from kdcore.training.devices import pick_device, use_threads


@dataclass(frozen=True)
class Work:
    """All that a worker needs to score shards of one layout, as plain values.

    out: the folder of the shards. threads: CPU threads per worker.
    """

    model_folder: str
    pieces_folder: str
    out: str
    layout: Layout
    device: str = "auto"
    batch_size: int = 512
    threads: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Work":
        """The work that `to_dict` wrote, perhaps sent as JSON."""
        return cls(**values | {"layout": Layout.from_dict(values["layout"])})


def score_shard(work: Work, shard: Shard) -> None:
    """Score rows first..last-1 with the model and write the shard, completely or not at all.

    DataError when the model or the pairs are not those of the layout, or a logit is not finite.
    """
    layout, pieces = work.layout, Pieces.open(Path(work.pieces_folder))
    if pieces.key != layout.data:
        raise DataError(
            f"{pieces.folder} holds other pairs ({pieces.key}) than {layout.data}: start again"
        )
    with use_threads(work.threads):
        model = _model(work.model_folder, layout.model, work.device)
        device = next(model.parameters()).device
        model.products = product_type(layout.precision, device)
        pairs = pieces.read(shard.first, shard.last)
        logits, _ = score(model, model.read(pairs), device, work.batch_size)
    if not torch.isfinite(torch.from_numpy(logits)).all():
        raise DataError(f"{shard.words} have logits that are not finite")
    write_shard(Path(work.out), layout, shard, logits)


@lru_cache(maxsize=1)
def _model(folder: str, digest: str, device: str) -> PairModel:
    """The model on its device, loaded once per process."""
    present = model_hash(Path(folder))
    if present != digest:
        raise DataError(f"{folder} holds another model ({present}) than {digest}: start again")
    return load_model(Path(folder)).to(pick_device(device))
