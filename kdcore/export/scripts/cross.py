"""A cross-encoder from KD Lab: it reads query and ad together.

    from student import Student

    student = Student()  # the folder that this file lies in
    print(student.grades)
    print(student.probabilities([("red shoes", "Running shoes", "Light and cheap.")]))

Needs torch and transformers, nothing of KD Lab. As a command: python student.py QUERY TITLE [TEXT]
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

Pair = tuple[str, str, str]  # query, the ad's title, the ad's description (may be empty)
HERE = Path(__file__).resolve().parent


class Corrected(nn.Module):
    """A classifier of transformers and its assistant, another one, which corrects it.

    on: "features" (the pooled vector, before the classifier reads it) or "logits".
    """

    def __init__(self, net: Any, assistant: Any, on: str, token_types: bool) -> None:
        super().__init__()
        self.net, self.assistant, self.on, self.token_types = net, assistant, on, token_types

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> SequenceClassifierOutput:
        """(pairs, grades) corrected logits."""
        given = {"input_ids": input_ids, "attention_mask": attention_mask}
        types = {"token_type_ids": token_type_ids}
        correction: Tensor = self.assistant(**given, **types).logits
        given |= types if self.token_types else {}
        if self.on == "logits":
            logits: Tensor = self.net(**given).logits + correction
        else:
            pooled: Tensor = self.net.base_model(**given).pooler_output
            logits = self.net.classifier(pooled + correction)
        return SequenceClassifierOutput(logits=logits)


class Linked(nn.Module):
    """A classifier of one number s, and the grades: P(grade >= k) = sigmoid(scale·s - cut k)."""

    cuts: Tensor
    between: Tensor

    def __init__(self, net: Any, scale: float, cuts: Sequence[float]) -> None:
        super().__init__()
        self.net, self.scale = net, scale
        exact = torch.tensor(cuts, dtype=torch.float64)
        self.register_buffer("cuts", exact.float())
        self.register_buffer("between", torch.log(-torch.expm1(-exact.diff())).float())

    def forward(self, **given: Tensor) -> SequenceClassifierOutput:
        """(pairs, grades) logits, which are log P(grade)."""
        x = self.scale * self.net(**given).logits - self.cuts
        # log(sigmoid(u) - sigmoid(v)), as log sigmoid(x) = -softplus(-x)
        middle = self.between - F.softplus(-x[:, :-1]) - F.softplus(x[:, 1:])
        ends = -F.softplus(x[:, :1]), -F.softplus(-x[:, -1:])
        return SequenceClassifierOutput(logits=torch.cat([ends[0], middle, ends[1]], dim=1))


class Student:
    """The network (`net`) is transformers' own; this class reads pairs as in training."""

    def __init__(self, folder: Path = HERE) -> None:
        settings = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        self.grades: list[str] = settings["grades"]  # worst first
        self.reading = settings["reading"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.net: Any = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        if self.reading.get("corrects"):
            other = AutoModelForSequenceClassification.from_pretrained(folder / "assistant")
            how = self.reading
            self.net = Corrected(self.net, other, how["corrects"], how["student_types"]).eval()
        if link := self.reading.get("link"):
            self.net = Linked(self.net, link["scale"], link["thresholds"]).eval()

    def inputs(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """What the network is given: input_ids, attention_mask, token_type_ids, padded."""
        rows = [self._row(*pair) for pair in pairs]
        longest, pad = max(len(ids) for ids, _ in rows), self.tokenizer.pad_token_id or 0
        gaps = [longest - len(ids) for ids, _ in rows]
        return {
            "input_ids": torch.tensor(
                [ids + [pad] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]
            ),
            "attention_mask": torch.tensor(
                [[1] * len(ids) + [0] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]
            ),
            "token_type_ids": torch.tensor(
                [kinds + [0] * gap for (_, kinds), gap in zip(rows, gaps, strict=True)]
            ),
        }

    def _row(self, query: str, title: str, description: str = "") -> tuple[list[int], list[int]]:
        """Token ids and token types of one pair; query and ad are cut apart, each at its length.

        Where one length holds for both together, the longer text is cut first.
        """
        how = self.reading
        if "pair_tokens" in how:
            return self._joined(query, title, description)
        query_ids = self._ids(query)[: how["query_tokens"]]
        ad_ids = self._ids(f"{title} {description}".strip())[: how["ad_tokens"]]
        left = [*how["prefix"], *query_ids, *how["middle"]]
        right = [*ad_ids, *how["suffix"]]
        kinds = [0] * len(left) + [how["ad_segment"]] * len(right)
        if how["overlap"]:  # 2 more where the other text holds the token too
            both = set(left) & set(right)
            kinds = [k + 2 * (i in both) for i, k in zip(left + right, kinds, strict=True)]
        return left + right, kinds

    def _joined(self, query: str, title: str, description: str) -> tuple[list[int], list[int]]:
        """The same with the texts joined as student.json says."""
        how = self.reading
        first = how["query_text"].replace("{query}", query)
        second = how["ad_text"].replace("{title}", title).replace("{description}", description)
        texts = [text.lower() if how["lowercase"] else text for text in (first, second.strip())]
        encoded = self.tokenizer(
            *texts,
            truncation="longest_first",
            max_length=how["pair_tokens"],
            return_token_type_ids=True,
        )
        return list(encoded["input_ids"]), list(encoded["token_type_ids"])

    def _ids(self, text: str) -> list[int]:
        encoded = self.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return list(encoded["input_ids"])

    @torch.no_grad()
    def logits(self, pairs: Sequence[Pair]) -> Tensor:
        """(pairs, grades); softmax at a temperature makes soft labels of them."""
        given = self.inputs(pairs)
        if not self.reading["token_types"]:
            del given["token_type_ids"]  # this encoder knows none
        logits: Tensor = self.net(**given).logits
        return logits

    def probabilities(self, pairs: Sequence[Pair]) -> Tensor:
        """(pairs, grades), summing to 1."""
        return self.logits(pairs).softmax(dim=1)


def main(words: Sequence[str]) -> None:
    """Print the probability of each grade of one pair."""
    query, title, *more = words
    student = Student()
    shares = student.probabilities([(query, title, " ".join(more))])[0].tolist()
    for grade, share in zip(student.grades, shares, strict=True):
        sys.stdout.write(f"{grade}: {share:.1%}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
