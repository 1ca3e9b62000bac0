"""The pairs to be judged: a sample by whole queries, ids that depend on the texts, and prompts."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.drawing import whole_queries
from kdcore.data.judge.rubric import RUBRIC, prompt
from kdcore.data.pairs import ALL, TEXT_COLUMNS, PairTable, nfc
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError, DataError

FORMATS = ("plain", "batch")
BYTES_PER_TOKEN = 4
TOKEN_RULE = f"estimated: one token per {BYTES_PER_TOKEN} bytes of the prompts in UTF-8"
TERMS = (
    "These data are for non-commercial use: check their terms before you send them to a service."
)
_ENDPOINT = "/v1/chat/completions"


@dataclass(frozen=True)
class Request:
    """One pair to be judged. texts: query, title and description."""

    id: str
    texts: dict[str, str]
    prompt: str


def pair_ids(pairs: PairTable) -> list[str]:
    """Return the id of each pair: 16 hex digits of its texts, the same in every file and split."""
    rows = pairs.frame[list(TEXT_COLUMNS)].itertuples(index=False)
    return [_id(list(map(nfc, map(str, row)))) for row in rows]


def _id(texts: list[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def requests(
    pairs: PairTable, split: str = ALL, limit: int = 0, seed: int = 0, rubric: str = RUBRIC
) -> list[Request]:
    """Return the requests for a split, by whole queries in the order in which runs draw them.

    With the same limit and seed 0, they are of the queries that a run learns from; those of a
    smaller limit come first. A pair that the data hold twice is judged once. limit: at most so many
    pairs; 0 for all.
    """
    order = _drawn_rows(pairs, split, seed)
    if limit:
        order = order[: whole_queries(pairs.query_ids[order], limit)]
    drawn = pairs.take(order)
    different = drawn.take(np.sort(np.unique(pair_ids(drawn), return_index=True)[1]))
    texts = different.frame[list(TEXT_COLUMNS)].to_dict("records")
    rows: list[dict[str, str]] = [{str(name): str(t) for name, t in row.items()} for row in texts]
    return [
        Request(name, row, prompt(rubric, pairs.scheme, row))
        for name, row in zip(pair_ids(different), rows, strict=True)
    ]


def _drawn_rows(pairs: PairTable, split: str, seed: int) -> NDArray[np.int64]:
    """Draw the queries of a split as runs do; pairs that runs move to other splits come last.

    Of all pairs there is one draw, whatever their splits.
    """
    if split == ALL:
        return pairs.with_splits(["train"] * len(pairs)).drawn_rows("train", seed)
    rows = pairs.drawn_rows(split, seed)
    try:
        learned = with_test_split(pairs).drawn_rows(split, seed)
    except DataError:  # too few queries: no run is trained on these
        return rows
    first = learned[np.isin(learned, rows)]
    return np.concatenate([first, rows[~np.isin(rows, first)]])


def json_lines(prompts: Iterable[Request], form: str = "plain", model: str = "") -> Iterator[str]:
    """Yield one line of JSON per request, without the label of its pair.

    form: "plain" gives id, query, title, description and prompt; "batch" is the form of OpenAI's
    Batch API, which needs the name of a model.
    """
    if form == "batch" and not model:
        raise ConfigError("--format batch needs the model that is to answer: add --model NAME")
    for request in prompts:
        record: dict[str, Any] = {"id": request.id, **request.texts, "prompt": request.prompt}
        if form == "batch":
            body = {"model": model, "messages": [{"role": "user", "content": request.prompt}]}
            record = {"custom_id": request.id, "method": "POST", "url": _ENDPOINT, "body": body}
        yield json.dumps(record, ensure_ascii=False) + "\n"


def estimated_tokens(prompts: Iterable[Request]) -> int:
    """Estimate the tokens of all prompts by TOKEN_RULE."""
    return math.ceil(sum(len(each.prompt.encode()) for each in prompts) / BYTES_PER_TOKEN)
