"""Score pairs with a finished run; a teacher's logits are computed once for each (model, data)."""

import hashlib
from contextlib import suppress
from dataclasses import replace

from kdcore.config import InferConfig
from kdcore.devices import pick_device
from kdcore.errors import DataError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.pairs import PairTable
from kdcore.predict import model_hash, predict_table
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import Workspace


def infer(
    config: InferConfig, pairs: PairTable, source: Run, workspace: Workspace
) -> tuple[Predictions, bool]:
    """Logits and features of a run's model on every pair, and whether the cache held them."""
    device = pick_device(config.device)
    products = str(product_type(config.precision, device)).removeprefix("torch.")
    key = f"{model_hash(source.model_folder)}-{pairs.content_hash}-{products}-{device.type}"
    path = workspace.cache_folder("logits") / f"{hashlib.sha256(key.encode()).hexdigest()}.parquet"
    with suppress(DataError):  # a damaged cache is made again
        found = Predictions.load(path).require(pairs.content_hash, len(pairs))
        return replace(found, model=source.id), True  # an equal model of another run made it
    predictions = ask(load_model(source.model_folder), config, pairs, source.id)
    predictions.save(path)
    return predictions, False


def ask(model: PairModel, config: InferConfig, pairs: PairTable, name: str) -> Predictions:
    """The same without the cache."""
    return predict_table(
        model,
        pairs,
        pick_device(config.device),
        name=name,
        precision=config.precision,
        batch_size=config.batch_size,
    )


def score_size(batch_size: int) -> int:
    """Pairs that a model trained at this batch size can score at once: no gradient is kept."""
    return min(4 * batch_size, 512)
