"""Score pairs with a model: a whole table, or a pair that a person typed."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.errors import DataError
from kdcore.models.base import PairModel
from kdcore.models.batches import Encoded, by_length
from kdcore.models.build import load_model as load_model  # for those who also ask it
from kdcore.models.packed import product_type
from kdcore.predictions import Predictions
from kdcore.softlabels import soften

Matrix = NDArray[np.float32]
Watch = Callable[[int], None]  # called after each batch with the pairs done; may raise to stop


@torch.inference_mode()
def score(
    model: PairModel,
    encoded: Encoded,
    device: torch.device,
    batch_size: int = 512,
    watch: Watch | None = None,
) -> tuple[Matrix, Matrix]:
    """(pairs, classes) logits and (pairs, width) features, in the order of the pairs."""
    if not len(encoded):
        raise DataError("there is no pair to score; choose a split or a filter that holds some")
    was_training = model.training
    model.eval()
    order, logits, features, done = [], [], [], 0
    for rows in by_length(encoded, batch_size):
        outputs = model(model.batch(encoded, rows).to(device))
        order.append(rows)
        logits.append(outputs.logits.float())
        features.append(outputs.features.float())
        done += len(rows)
        if watch is not None:
            watch(done)
    model.train(was_training)
    place = np.argsort(np.concatenate(order), kind="stable")
    return torch.cat(logits).cpu().numpy()[place], torch.cat(features).cpu().numpy()[place]


def score_size(batch_size: int) -> int:
    """Pairs that a model trained at this batch size can score at once: no gradient is kept."""
    return min(4 * batch_size, 512)


def stored_precision(precision: str) -> str:
    """The precision of logits that are stored: `auto` is fp32, in which a model is exported too.

    In bf16, which `auto` takes for training where the hardware has it, the logits of a small
    encoder differ by up to 0.015 from those of its export; fp32 takes 1.5 times as long.
    `fast` is what training calls `auto`; a distillation then finds these logits in the cache.
    """
    return {"auto": "fp32", "fast": "auto"}.get(precision, precision)


def predict_table(
    model: PairModel,
    pairs: PairTable,
    device: torch.device,
    *,
    name: str,
    precision: str = "auto",
    batch_size: int = 512,
    watch: Watch | None = None,
) -> Predictions:
    """The model's logits and features on every pair."""
    model.products = product_type(precision, device)
    logits, features = score(model.to(device), model.read(pairs), device, batch_size, watch)
    return Predictions(logits, pairs.content_hash, name, features, origin=model.origin)


def predict_texts(
    model: PairModel, rows: Sequence[tuple[str, str, str]], temperature: float = 1.0
) -> NDArray[np.float64]:
    """(rows, classes) soft labels of (query, title, description) at a temperature."""
    if not rows:
        return np.empty((0, len(model.scheme)))
    return soften(answer_texts(model, rows).logits, temperature)


def typed_notes(model: PairModel, query: str, title: str, description: str) -> tuple[str, ...]:
    """What of a typed pair is not read, because it is longer than the model reads."""
    encoded = model.read(typed_pairs(model, [(query, title, description)]))
    unit = "tokens" if encoded.bags is None else "words"
    return tuple(
        f"the {cut.side} has {cut.enough} {unit}, of which the first {cut.limit} are read"
        for cut in model.cuts(encoded)
        if cut.cut
    )


def answer_texts(model: PairModel, rows: Sequence[tuple[str, str, str]]) -> Predictions:
    """The model's own logits on (query, title, description), in the model's own grades."""
    cpu = torch.device("cpu")
    return predict_table(model, typed_pairs(model, rows), cpu, name="typed", precision="fp32")


def typed_pairs(model: PairModel, rows: Sequence[tuple[str, str, str]]) -> PairTable:
    """(query, title, description) rows as a table in the model's grades, unlabelled."""
    query, title, description = zip(*rows, strict=True)
    frame = make_frame(query, title, description, [UNLABELLED] * len(rows))
    return PairTable(frame, model.scheme, "typed")
