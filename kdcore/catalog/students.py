"""The students of the lab as plain data: their knobs, their entries and named sizes of BERT-n."""

from dataclasses import dataclass
from typing import Any

from kdcore.catalog.ready import ReadyParams
from kdcore.errors import lookup
from kdcore.knobs import choice, knob, switch, text

_ACCENTS = (
    "read é as e, as BERT's uncased tokenizer does; off, schon and schön stay two words "
    "(for a tokenizer that is trained here)"
)
STORED = frozenset({"logits", "features"})  # of Outputs: what is computed once for each pair


@dataclass(frozen=True)
class Student:
    """A kind of model, teacher or student: its knobs and the fields of Outputs that it gives."""

    title: str
    summary: str
    paper: str
    params: type
    gives: frozenset[str]
    separable: bool  # query and ad are read separately, so ads can be embedded in advance
    module: str  # the file in models/ that builds it
    training: dict[str, float]  # epochs, batch_size and learning_rate that suit it


@dataclass(frozen=True, kw_only=True)
class EncoderParams:
    """Knobs that every transformer here shares."""

    layers: int = knob(2, "transformer blocks", low=1, high=48)
    hidden: int = knob(128, "width of a token vector", low=8, high=4096)
    heads: int = knob(2, "attention heads; they share the width evenly", low=1, high=64)
    inner: int = knob(0, "width inside a block; 0 is four times the width", low=0, high=16384)
    vocabulary: int = knob(8000, "word pieces learned from the data", low=100, high=200_000)
    query_tokens: int = knob(16, "a longer query is cut here", low=2, high=256)
    ad_tokens: int = knob(48, "a longer ad (title and description) is cut here", low=2, high=448)
    dropout: float = knob(0.1, "share of activations silenced in training", low=0, high=0.9)
    strip_accents: bool = switch(False, _ACCENTS)


@dataclass(frozen=True, kw_only=True)
class BertParams(EncoderParams):
    """Knobs of BERT-n, a cross-encoder: it reads query and ad together."""

    overlap: bool = switch(
        True,
        "mark each token that the other text holds too, by its token type; ours, not BERT's: "
        "from a random start it replaces the matching that pretraining teaches",
    )


@dataclass(frozen=True, kw_only=True)
class CheckpointParams:
    """Knobs of every model that starts from a pretrained encoder of a folder or a hub id."""

    query_tokens: int = knob(16, "a longer query is cut here", low=2, high=256)
    ad_tokens: int = knob(48, "a longer ad (title and description) is cut here", low=2, high=448)
    dropout: float = knob(0.1, "share of activations silenced in training", low=0, high=0.9)
    keep_layers: int = knob(
        0,
        "keep this many layers, evenly chosen unless layers_from lists them; 0 keeps all",
        low=0,
        high=48,
    )


@dataclass(frozen=True, kw_only=True)
class TwinBertParams(EncoderParams):
    """Knobs of both TwinBERTs: two towers, one for the query and one for the ad."""

    dropout: float = knob(0.0, "share of activations silenced in training", low=0, high=0.9)
    units: str = choice(
        "wordpiece",
        "what a token is: a word piece, or a word as the sum of its letter trigrams",
        options=("wordpiece", "trigrams"),
    )
    shared: bool = switch(True, "one encoder serves query and ad; off trains two")
    pooling: str = choice(
        "weighted",
        "how token vectors become one: cls, mean, or a learned weight for each token",
        options=("cls", "mean", "weighted"),
    )


@dataclass(frozen=True, kw_only=True)
class CosineParams:
    """Knobs of two towers whose crossing layer is the cosine, then a cumulative-link head."""

    head: str = choice(
        "link",
        "link: P(grade) from a·cos - b, learned; half_cosine: (cos + 1) / 2 as in KDD 2022",
        options=("link", "half_cosine"),
    )


@dataclass(frozen=True, kw_only=True)
class CrossingParams:
    """Knobs of two towers whose crossing layer is a residual network over both vectors."""

    combine: str = choice(
        "concat",
        "how the two vectors meet: elementwise max, or side by side",
        options=("max", "concat"),
    )
    crossing: int = knob(512, "width inside the crossing layer", low=8, high=8192)


@dataclass(frozen=True, kw_only=True)
class TwinBertCosineParams(CosineParams, TwinBertParams):
    """TwinBERT with the cosine."""


@dataclass(frozen=True, kw_only=True)
class TwinBertResidualParams(CrossingParams, TwinBertParams):
    """TwinBERT with the residual network."""


@dataclass(frozen=True, kw_only=True)
class PretrainedTowersParams(CheckpointParams):
    """Knobs of two towers that start from a pretrained encoder."""

    shared: bool = switch(True, "one encoder serves query and ad; off trains two")
    pooling: str = choice(
        "folder",
        "how token vectors become one: folder: as its sentence-transformers files say, else mean; "
        "or cls, mean, max, last",
        options=("folder", "cls", "mean", "max", "last"),
    )
    query_prompt: str = text(
        "", 'put before each query, such as "query: "; empty takes the folder\'s own, none has none'
    )
    ad_prompt: str = text(
        "", 'put before each ad, such as "passage: "; empty takes the folder\'s own, none has none'
    )


@dataclass(frozen=True, kw_only=True)
class PretrainedCosineParams(CosineParams, PretrainedTowersParams):
    """Pretrained towers with the cosine."""


@dataclass(frozen=True, kw_only=True)
class PretrainedResidualParams(CrossingParams, PretrainedTowersParams):
    """Pretrained towers with the residual network."""


@dataclass(frozen=True, kw_only=True)
class CdssmParams:
    """Knobs of C-DSSM: letter trigrams, a convolution over three words, max over positions."""

    buckets: int = knob(20_000, "letter trigrams kept; the rest share one", low=100, high=500_000)
    filters: int = knob(288, "width of the convolution", low=8, high=4096)
    semantic: int = knob(128, "width of the final vector", low=8, high=4096)
    query_tokens: int = knob(12, "words of a query that are read", low=1, high=256)
    ad_tokens: int = knob(32, "words of an ad that are read", low=1, high=448)
    shared: bool = switch(False, "one network serves query and ad; off trains two")
    dropout: float = knob(0.0, "share of activations silenced in training", low=0, high=0.9)
    strip_accents: bool = switch(False, _ACCENTS)


_EVERYTHING = STORED | {"cls_states", "hidden_states", "attentions", "projections"}

STUDENTS: dict[str, Student] = {
    "cdssm": Student(
        title="C-DSSM",
        summary="Letter trigrams, a convolution and a cosine: two towers from before transformers.",
        paper="Shen et al. 2014, CLSM",
        params=CdssmParams,
        gives=STORED,
        separable=True,
        module="cdssm",
        training={"epochs": 6, "batch_size": 128, "learning_rate": 1e-3},
    ),
    "twinbert_cos": Student(
        title="TwinBERT cosine",
        summary="Two transformer towers and a cosine; ads can be embedded ahead of time.",
        paper="Lu et al. 2020, arXiv:2002.06275",
        params=TwinBertCosineParams,
        gives=STORED,
        separable=True,
        module="twinbert",
        training={"epochs": 6, "batch_size": 128, "learning_rate": 1e-3},
    ),
    "twinbert_res": Student(
        title="TwinBERT residual",
        summary=(
            "Two towers joined by a small residual network; ad vectors can be computed in advance."
        ),
        paper="Lu et al. 2020, arXiv:2002.06275",
        params=TwinBertResidualParams,
        gives=STORED,
        separable=True,
        module="twinbert",
        training={"epochs": 6, "batch_size": 128, "learning_rate": 1e-3},
    ),
    "bert": Student(
        title="BERT-n",
        summary="A cross-encoder of n layers: reads query and ad together, slow and strong.",
        paper="Devlin et al. 2019, arXiv:1810.04805",
        params=BertParams,
        gives=_EVERYTHING,
        separable=False,
        module="bert",
        training={"epochs": 4, "batch_size": 64, "learning_rate": 7e-4},
    ),
    "pretrained_cos": Student(
        title="Pretrained cosine towers",
        summary=(
            "Two towers that start from an encoder of transformers or sentence-transformers, "
            "and a cosine."
        ),
        paper="Reimers & Gurevych 2019, Sentence-BERT, arXiv:1908.10084",
        params=PretrainedCosineParams,
        gives=STORED,
        separable=True,
        module="towers.model",
        training={"epochs": 3, "batch_size": 64, "learning_rate": 5e-5},
    ),
    "pretrained_res": Student(
        title="Pretrained residual towers",
        summary="Two towers that start from a pretrained encoder, and a small residual network.",
        paper="Lu et al. 2020, arXiv:2002.06275",
        params=PretrainedResidualParams,
        gives=STORED,
        separable=True,
        module="towers.model",
        training={"epochs": 3, "batch_size": 64, "learning_rate": 5e-5},
    ),
    "checkpoint": Student(
        title="Pretrained encoder",
        summary="Any encoder that transformers loads, from a local folder or a hub id.",
        paper="Wolf et al. 2020, transformers",
        params=CheckpointParams,
        gives=_EVERYTHING,
        separable=False,
        module="bert",
        training={"epochs": 2, "batch_size": 32, "learning_rate": 5e-5},
    ),
}

# a teacher that another tool trained and that is not trained here, so no student
READY = Student(
    title="Ready classifier",
    summary="A classifier or reranker that another tool trained, with its own head.",
    paper="Reimers & Gurevych 2019, arXiv:1908.10084 (sentence-transformers)",
    params=ReadyParams,
    gives=_EVERYTHING,
    separable=False,
    module="ready",
    training={},
)


# what `NAME:from=FOLDER` names: a model that starts from a pretrained encoder, its `checkpoint`
PRETRAINED = {
    "bert": "checkpoint",
    "twinbert_cos": "pretrained_cos",
    "twinbert_res": "pretrained_res",
}

# named sizes of BERT-n: the miniatures of Turc et al. 2019 (arXiv:1908.08962), and ours
SIZES: dict[str, dict[str, Any]] = {
    "bert_tiny": {"layers": 2, "hidden": 128, "heads": 2},
    "bert_mini": {"layers": 4, "hidden": 256, "heads": 4},
    "bert_small": {"layers": 4, "hidden": 512, "heads": 8},
    # ours: small enough to be trained from a random start on one CPU
    "bert_teacher": {"layers": 3, "hidden": 192, "heads": 3, "dropout": 0.2},
}


def student_entry(name: str) -> Student:
    """Return the entry of a student, or of a ready teacher; UnknownNameError has the nearest."""
    return READY if name == READY.module else lookup(STUDENTS, name, "student")
