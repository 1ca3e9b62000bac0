"""Reads a query and an ad as KD Lab's BERT-n does: marks on the tokens that both texts hold.

A module of sentence-transformers. A token type is 0 (query) or 1 (ad), plus 2 where the other text
holds the token too; query and ad are cut apart, each at its own length.
"""

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers.base.modules import Transformer


class MarkedPairs(Transformer):  # type: ignore[misc]
    """A transformer whose pairs carry the marks; its config holds the lengths and the frame."""

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> Any:
        """input_ids, attention_mask and token_type_ids, each (pairs, tokens), padded."""
        rows = [self._row(str(query), str(ad)) for query, ad in inputs]
        longest = max(len(ids) for ids, _ in rows)
        pad = self.tokenizer.pad_token_id or 0
        gaps = [longest - len(ids) for ids, _ in rows]
        kinds = zip(rows, gaps, strict=True)
        return {
            "input_ids": torch.tensor(
                [ids + [pad] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]
            ),
            "attention_mask": torch.tensor(
                [[1] * len(ids) + [0] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]
            ),
            "token_type_ids": torch.tensor([marks + [0] * gap for (_, marks), gap in kinds]),
            "modality": "text",
        }

    def _row(self, query: str, ad: str) -> tuple[list[int], list[int]]:
        how = self.model.config.kdlab_pairs
        left = [*how["prefix"], *self._ids(query, how["query_tokens"]), *how["middle"]]
        right = [*self._ids(ad.strip(), how["ad_tokens"]), *how["suffix"]]
        both = set(left) & set(right)
        sides = [0] * len(left) + [how["ad_segment"]] * len(right)
        return left + right, [s + 2 * (i in both) for i, s in zip(left + right, sides, strict=True)]

    def _ids(self, text: str, most: int) -> list[int]:
        encoded = self.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return list(encoded["input_ids"])[:most]
