"""Write pairs as a folder in BEIR's layout: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from kdcore.data.pairs import UNLABELLED, PairTable, pair_ids
from kdcore.errors import DataError
from kdcore.workspace import write_text_atomic

Text = TypeVar("Text")
_NAMES = {"train": "train", "validation": "dev", "test": "test", "log": "log"}  # as BEIR names them


def write_folder(pairs: PairTable, folder: Path) -> tuple[Path, ...]:
    """Write the labelled pairs with their ids (see `pair_ids`), and return the files written.

    A grade is written as its number from 0. DataError when no pair is labelled, or when one id
    stands for two texts.
    """
    if not (pairs.grades != UNLABELLED).any():
        raise DataError(f"{pairs.name} has no labelled pair, so there are no judgements to write")
    queries: dict[str, str] = {}
    ads: dict[str, tuple[str, str]] = {}
    qrels: dict[str, list[str]] = {}
    texts = (pairs.frame[name] for name in ("query", "title", "description", "split"))
    rows = zip(*pair_ids(pairs), *texts, pairs.grades.tolist(), strict=True)
    for query_id, ad_id, query, title, description, split, grade in rows:
        if grade == UNLABELLED:
            continue
        _put(queries, query_id, query)
        _put(ads, ad_id, (title, description))
        qrels.setdefault(split, []).append(f"{query_id}\t{ad_id}\t{grade}\n")
    documents = ({"_id": k, "title": title, "text": text} for k, (title, text) in ads.items())
    contents = {
        "corpus.jsonl": _json_lines(documents),
        "queries.jsonl": _json_lines({"_id": k, "text": text} for k, text in queries.items()),
    }
    for split, lines in qrels.items():
        contents[f"qrels/{_NAMES[split]}.tsv"] = "query-id\tcorpus-id\tscore\n" + "".join(lines)
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_text_atomic(folder / name, content)
    return tuple(folder / name for name in contents)


def _put(texts: dict[str, Text], key: str, text: Text) -> None:
    if texts.setdefault(key, text) != text:
        raise DataError(f"the id {key!r} stands for two different texts; give each its own id")


def _json_lines(records: Iterable[Mapping[str, str]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
