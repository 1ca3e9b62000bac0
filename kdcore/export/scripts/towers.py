"""A student that KD Lab trained, two towers: query and ad become a vector each, then they meet.

    from student import Student

    student = Student()  # the folder that this file lies in
    print(student.probabilities([("red shoes", "Running shoes", "Light and cheap.")]))
    ads = student.ad_vectors([("Running shoes", "Light and cheap."), ("Teapot", "Cast iron.")])
    print(student.cross(student.query_vectors(["red shoes", "red shoes"]), ads))  # stored ads

Needs torch, safetensors and, for word pieces, tokenizers, and transformers where the folder has an
`encoder`; nothing of KD Lab. As a command:
python student.py QUERY TITLE [TEXT]
"""

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

Pair = tuple[str, str, str]  # query, the ad's title, the ad's description (may be empty)
HERE = Path(__file__).resolve().parent
LONGEST_WORD = 20  # letter trigrams of a word that are read


class TransformerTower(nn.Module):
    """Token vectors, transformer blocks, pooling (TwinBERT, arXiv:2002.06275)."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        width = shape["hidden"]
        self.units = nn.Embedding(shape["vocabulary"], width)
        self.places = nn.Parameter(torch.zeros(shape["positions"], width))
        self.norm = nn.LayerNorm(width, eps=1e-12) if shape["units"] == "wordpiece" else None
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                shape["heads"],
                shape["inner"],
                dropout=0.0,
                activation="gelu",
                layer_norm_eps=1e-12,
                batch_first=True,
            )
            for _ in range(shape["layers"])
        )
        self.weigh = nn.Linear(width, 1) if shape["pooling"] == "weighted" else None
        self.pooling = shape["pooling"]

    def forward(self, ids: Tensor) -> Tensor:
        """(texts, tokens) word pieces or (texts, words, trigrams), -1 is padding -> vectors."""
        x, real = looked_up(self.units, ids)
        x = x + self.places[: ids.shape[1]]
        x = x if self.norm is None else self.norm(x)
        for block in self.blocks:
            x = block(x, src_key_padding_mask=~real)
        if self.pooling == "cls":
            return x[:, 0]
        shares = torch.zeros_like(x[..., 0]) if self.weigh is None else self.weigh(x)[..., 0]
        shares = shares.masked_fill(~real, -torch.inf).softmax(dim=1)
        return (shares[..., None] * x).sum(dim=1)


class EncoderTower(nn.Module):
    """An encoder of transformers, pooling, perhaps a dense layer and unit length."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        from transformers import AutoConfig, AutoModel

        self.encoder = AutoModel.from_config(AutoConfig.from_pretrained(shape["folder"]))
        self.encoder.pooler = None
        width = self.encoder.config.hidden_size
        dense = shape["dense"]
        self.dense = nn.Linear(width, dense, shape["bias"]) if dense else None
        self.pooling, self.tanh, self.unit = (
            shape[knob] for knob in ("pooling", "activation", "normalize")
        )

    def forward(self, ids: Tensor) -> Tensor:
        """(texts, tokens) ids, -1 is padding -> (texts, width)."""
        real = ids >= 0
        given = {"input_ids": ids.clamp(min=0), "attention_mask": real.long()}
        x = self._pooled(self.encoder(**given).last_hidden_state, real)
        if self.dense is not None:
            x = self.dense(x).tanh() if self.tanh else self.dense(x)
        return F.normalize(x, dim=1) if self.unit else x

    def _pooled(self, x: Tensor, real: Tensor) -> Tensor:
        if self.pooling == "cls":
            return x[:, 0]
        if self.pooling == "last":
            last = (real.sum(dim=1) - 1)[:, None, None].expand(-1, 1, x.shape[2])
            return x.gather(1, last)[:, 0]
        if self.pooling == "max":
            return x.masked_fill(~real[..., None], -torch.inf).amax(dim=1)
        return (x * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)


class ConvolutionTower(nn.Module):
    """Letter trigrams, a convolution over three words, max over words (C-DSSM)."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        self.filters = shape["filters"]
        self.units = nn.Embedding(shape["vocabulary"], 3 * self.filters)
        self.bias = nn.Parameter(torch.zeros(self.filters))
        self.semantic = nn.Linear(self.filters, shape["semantic"])

    def forward(self, ids: Tensor) -> Tensor:
        """(texts, words, trigrams), -1 is padding -> (texts, semantic)."""
        words, real = looked_up(self.units, ids)
        before, itself, after = words.view(*words.shape[:2], 3, self.filters).unbind(dim=2)
        around = F.pad(before, (0, 0, 1, 0))[:, :-1] + F.pad(after, (0, 0, 0, 1))[:, 1:]
        x = torch.tanh(itself + around + self.bias).masked_fill(~real[..., None], -torch.inf)
        return torch.tanh(self.semantic(x.amax(dim=1)))


def looked_up(table: nn.Embedding, ids: Tensor) -> tuple[Tensor, Tensor]:
    """(texts, tokens, width) vectors, 0 at padding, and which tokens are real."""
    real = ids >= 0
    vectors = table(ids.clamp(min=0)) * real[..., None]
    return (vectors.sum(dim=2), real[..., 0]) if ids.dim() == 3 else (vectors, real)


class Cosine(nn.Module):
    """A head of the product of both unit vectors, place by place; its sum is their cosine."""

    grades: Callable[[Tensor], Tensor]

    def pooled(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (pairs, width) -> (pairs, width)."""
        return F.normalize(query, dim=1) * F.normalize(ad, dim=1)

    def forward(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (pairs, width) -> (pairs, grades) logits."""
        logits: Tensor = self.grades(self.pooled(query, ad))
        return logits


class Link(Cosine):
    """Grades from a cosine s: P(grade >= k) = sigmoid(scale·s - threshold k)."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.thresholds = nn.Parameter(torch.zeros(shape["grades"] - 1))
        self.between = nn.Parameter(torch.zeros(shape["grades"] - 2))  # log(1 - exp(-their gaps))

    def grades(self, products: Tensor) -> Tensor:
        """(pairs, width) -> (pairs, grades) logits, which are log P(grade)."""
        x = self.scale * products.sum(dim=1)[:, None] - self.thresholds
        # log(sigmoid(u) - sigmoid(v)), as log sigmoid(x) = -softplus(-x)
        middle = self.between - F.softplus(-x[:, :-1]) - F.softplus(x[:, 1:])
        return torch.cat([-F.softplus(x[:, :1]), middle, -F.softplus(-x[:, -1:])], dim=1)


class HalfCosine(Cosine):
    """P(relevant) = (cosine + 1) / 2."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()

    def grades(self, products: Tensor) -> Tensor:
        """(pairs, width) -> (pairs, 2) logits."""
        relevant = ((products.sum(dim=1) + 1) / 2).clamp(1e-6, 1 - 1e-6)
        return torch.stack([torch.log1p(-relevant), torch.log(relevant)], dim=1)


class Linear(Cosine):
    """A linear map of the products: the correction of an assistant."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        self.grades = nn.Linear(shape["width"], shape["grades"])


class Crossing(nn.Module):
    """A residual layer over both vectors: relu(W2 relu(W1 x) + x), then the grades."""

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        self.beside = shape["combine"] == "concat"  # else the greater of the two, place by place
        wide = shape["hidden"] * (2 if self.beside else 1)
        self.inner, self.outer = (
            nn.Linear(wide, shape["crossing"]),
            nn.Linear(shape["crossing"], wide),
        )
        self.grades = nn.Linear(wide, shape["grades"])

    def pooled(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (pairs, width) -> (pairs, wide)."""
        x = torch.cat([query, ad], dim=1) if self.beside else torch.maximum(query, ad)
        return F.relu(self.outer(F.relu(self.inner(x))) + x)

    def forward(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (pairs, width) -> (pairs, grades) logits."""
        logits: Tensor = self.grades(self.pooled(query, ad))
        return logits


class SideBySide(nn.Module):
    """A tower of the student and one of its assistant: their vectors, one behind the other."""

    def __init__(self, student: nn.Module, assistant: nn.Module) -> None:
        super().__init__()
        self.student, self.assistant = student, assistant

    def forward(self, ids: Tensor) -> Tensor:
        """Padded ids -> (texts, width of the student + width of the assistant)."""
        return torch.cat([self.student(ids), self.assistant(ids)], dim=1)


class Corrected(nn.Module):
    """A head whose pooled vector (features) or logits are corrected by the assistant's head."""

    def __init__(self, student: nn.Module, assistant: nn.Module, on: str, width: int) -> None:
        super().__init__()
        self.student: Any = student
        self.assistant, self.on, self.width = assistant, on, width

    def forward(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (pairs, width of both) -> (pairs, grades) logits."""
        own = query[:, : self.width], ad[:, : self.width]
        correction: Tensor = self.assistant(query[:, self.width :], ad[:, self.width :])
        logits: Tensor
        if self.on == "logits":
            logits = self.student(*own) + correction
        else:
            logits = self.student.grades(self.student.pooled(*own) + correction)
        return logits


TOWERS = {
    "transformer": TransformerTower,
    "convolution": ConvolutionTower,
    "encoder": EncoderTower,
}
HEADS = {"link": Link, "half_cosine": HalfCosine, "linear": Linear, "crossing": Crossing}


class Network(nn.Module):
    """Query tower, ad tower (the same one where they are shared) and the head.

    Where the student has an assistant, each tower is two side by side.
    """

    def __init__(self, shape: dict[str, Any]) -> None:
        super().__init__()
        self.towers = nn.ModuleList(TOWERS[shape["tower"]](shape) for _ in range(shape["towers"]))
        self.head = HEADS[shape["head"]](shape)
        if "assistant" in shape:
            other = Network(shape["assistant"])
            pairs = zip(self.towers, other.towers, strict=True)
            self.towers = nn.ModuleList(SideBySide(own, theirs) for own, theirs in pairs)
            self.head = Corrected(self.head, other.head, shape["corrects"], shape["width"])

    def forward(self, query_ids: Tensor, ad_ids: Tensor) -> Tensor:
        """Padded ids of queries and ads -> (pairs, grades) logits."""
        logits: Tensor = self.head(self.towers[0](query_ids), self.towers[-1](ad_ids))
        return logits


class Student:
    """Reads texts, and asks the network (`net`)."""

    def __init__(self, folder: Path = HERE) -> None:
        settings = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        self.grades: list[str] = settings["grades"]  # worst first
        self.reading = settings["reading"]
        self.net = Network({"folder": folder / "encoder", **settings["network"]})
        self.net.load_state_dict(load_file(folder / "model.safetensors"))
        self.net.eval()
        if self.reading["units"] == "trigrams":
            vocabulary = json.loads((folder / "trigrams.json").read_text(encoding="utf-8"))
            if isinstance(vocabulary, list):  # from a model of the first versions
                vocabulary = {"trigrams": vocabulary, "rule": "letters", "strip_accents": False}
            self.trigrams = {
                t: i + 1 for i, t in enumerate(vocabulary["trigrams"])
            }  # 0: never seen
            self.rule = vocabulary["rule"]
            self.strip_accents = vocabulary["strip_accents"]
        else:
            from tokenizers import Tokenizer

            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self.tokenizer.no_truncation()
            self.tokenizer.no_padding()

    def inputs(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """What the network is given: query_ids and ad_ids, padded with -1."""
        return {
            "query_ids": self._ids([query for query, *_ in pairs], "query_tokens"),
            "ad_ids": self._ids([_ad(*ad) for _, *ad in pairs], "ad_tokens"),
        }

    @torch.no_grad()
    def logits(self, pairs: Sequence[Pair]) -> Tensor:
        """(pairs, grades); softmax at a temperature makes soft labels of them."""
        logits: Tensor = self.net(**self.inputs(pairs))
        return logits

    def probabilities(self, pairs: Sequence[Pair]) -> Tensor:
        """(pairs, grades), summing to 1."""
        return self.logits(pairs).softmax(dim=1)

    @torch.no_grad()
    def query_vectors(self, queries: Sequence[str]) -> Tensor:
        """(queries, width); the cosine with an ad's vector ranks where the head is a link."""
        vectors: Tensor = self.net.towers[0](self._ids(queries, "query_tokens"))
        return vectors

    @torch.no_grad()
    def ad_vectors(self, ads: Sequence[tuple[str, str]]) -> Tensor:
        """(ads, width) of (title, description); they may be stored and crossed later."""
        texts = [_ad(*ad) for ad in ads]
        vectors: Tensor = self.net.towers[-1](self._ids(texts, "ad_tokens"))
        return vectors

    @torch.no_grad()
    def cross(self, query_vectors: Tensor, ad_vectors: Tensor) -> Tensor:
        """(pairs, grades) logits of vectors, row by row."""
        logits: Tensor = self.net.head(query_vectors, ad_vectors)
        return logits

    def _ids(self, texts: Sequence[str], side: str) -> Tensor:
        longest = self.reading[side]
        if self.reading["units"] == "trigrams":
            words = [words_of(text, self.rule, self.strip_accents)[:longest] for text in texts]
            bags = [[self._bag(word) for word in row or [""]] for row in words]
            return padded(bags, max(len(bag) for row in bags for bag in row))
        prompt = self.reading.get(side.replace("tokens", "prompt"), "")
        longest += len(self.tokenizer.encode(prompt, add_special_tokens=False).ids)
        encoded = [self.tokenizer.encode(prompt + t, add_special_tokens=False).ids for t in texts]
        before, after = self.reading["before"], self.reading["after"]
        rows = [[*before, *row[:longest], *after] for row in encoded]
        return padded([row or [self.reading["nothing"]] for row in rows])

    def _bag(self, word: str) -> list[int]:
        marked = f"#{word}#"
        cut = [marked[i : i + 3] for i in range(max(len(marked) - 2, 1))]
        return [self.trigrams.get(trigram, 0) for trigram in cut[:LONGEST_WORD]]


MARKS = "".join(chr(i) for i in range(0x300, 0x20000) if unicodedata.category(chr(i))[0] == "M")
NO_BLANKS = (  # scripts that write no blanks between words
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
NOT_A_WORD = re.compile(rf"[^\w{MARKS} ]|_")
ALONE = re.compile(rf"([{NO_BLANKS}])([{MARKS}]*)")


def words_of(text: str, rule: str = "unicode", strip_accents: bool = False) -> list[str]:
    """Lower-cased words of letters and digits, by the rule that trigrams.json names."""
    if strip_accents:
        text = unicodedata.normalize("NFD", text.lower())
        text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    if rule == "letters":
        return re.sub(r"[^\w ]|_", " ", text.lower()).split()
    text = unicodedata.normalize("NFC", re.sub("[\u200c\u200d]", "", text.lower()))
    return ALONE.sub(r" \1\2 ", NOT_A_WORD.sub(" ", text)).split()


def padded(rows: list[list[Any]], deep: int = 0) -> Tensor:
    """Rows of ids (deep 0) or of lists of at most `deep` ids, filled up with -1."""
    if deep:
        rows = [[bag + [-1] * (deep - len(bag)) for bag in row] for row in rows]
    nothing: Any = [-1] * deep if deep else -1
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [nothing] * (longest - len(row)) for row in rows])


def _ad(title: str, description: str = "") -> str:
    return f"{title} {description}".strip()


def main(words: Sequence[str]) -> None:
    """Print the probability of each grade of one pair."""
    query, title, *more = words
    student = Student()
    shares = student.probabilities([(query, title, " ".join(more))])[0].tolist()
    for grade, share in zip(student.grades, shares, strict=True):
        sys.stdout.write(f"{grade}: {share:.1%}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
