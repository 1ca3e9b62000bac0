"""The pairs to be judged: a sample by whole queries, ids that depend on the texts, and prompts."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kdcore.data.judge.rubric import RUBRIC, prompt
from kdcore.data.pairs import TEXT_COLUMNS, PairTable, nfc
from kdcore.errors import ConfigError

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
    pairs: PairTable, limit: int = 0, seed: int = 0, rubric: str = RUBRIC
) -> list[Request]:
    """Return the requests for a sample of whole queries, independent of the order of the rows.

    A pair that the data hold twice is judged once. limit: at most so many pairs; 0 for all.
    """
    canonical = pairs.canonical
    first = np.sort(np.unique(pair_ids(canonical), return_index=True)[1])
    different = canonical.take(first)
    if limit:
        # one draw over all pairs, also where they are of several splits
        different = different.with_splits(["train"] * len(different)).limit(limit, seed)
    texts = different.frame[list(TEXT_COLUMNS)].to_dict("records")
    rows: list[dict[str, str]] = [{str(name): str(t) for name, t in row.items()} for row in texts]
    return [
        Request(name, row, prompt(rubric, pairs.scheme, row))
        for name, row in zip(pair_ids(different), rows, strict=True)
    ]


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
