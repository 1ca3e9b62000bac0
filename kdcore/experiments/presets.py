"""Presets: a whole distillation under one name, as plain data, and what was changed in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kdcore.config import DistillConfig, ModelConfig
from kdcore.errors import lookup
from kdcore.experiments.changes import changed, differences
from kdcore.runs.resolve import ITS_TEACHER

TEACHER = "teacher"  # the run of this name in the bundled demo


@dataclass(frozen=True)
class Preset:
    """A start that makes sense as it stands.

    family: the heading under which it is offered. student: short text of a model. settings: values
    by path that differ from a config's defaults. teacher: the run of the demo that it is meant for.
    promise: what to expect, and what is ours where it is named after a paper; no number that was
    not measured here.
    """

    family: str
    title: str
    summary: str
    student: str
    promise: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    teacher: str = TEACHER


RESPONSE, BESIDE = "Response", "Feature, relation, ranking"
INTERNAL = "Internal"
TEACHERS = "Other teachers"
_WATCHED = {
    "training.log_every": 5,
    "training.validations": 2,
    "training.replay_points": 40,
}
_SHORT = _WATCHED | {"limit": 2_000, "training.epochs": 5, "training.select_by": "roc_auc"}
_TWO_TOWERS = "twinbert_cos:vocabulary=3000"
# a BERT-n that can start from the layers of the bundled teacher, and then reads the same tokens
_OF_TEACHER = "bert:layers=2,hidden=192,heads=3"
_FROM_TEACHER = _SHORT | {"student.start_from": ITS_TEACHER, "training.learning_rate": 2e-4}
_FITS = "The student has the width and the heads of the bundled teacher; with another teacher, "
_FITS += "set them to those of that teacher."

PRESETS: dict[str, Preset] = {
    "sixty_seconds": Preset(
        family=RESPONSE,
        title="A first student",
        summary="TwinBERT cosine learns from 2,000 pairs at most, which the teacher has scored.",
        student=_TWO_TOWERS,
        promise="About a minute on a GPU; see the estimate for this machine. With as few pairs as "
        "these a teacher helps most: tried on the bundled world, the student was better than its "
        "twin.",
        settings=_SHORT,
    ),
    "classroom_cpu": Preset(
        family=RESPONSE,
        title="Classroom on a CPU",
        summary="A student about as large as the bundled one: for a lesson without a GPU.",
        student=_TWO_TOWERS,
        promise="Student and twin train one after the other, in a few minutes on two CPU cores. "
        "Tried on the bundled world, the student was better than its twin; your result comes with "
        "its own interval.",
        settings=_SHORT | {"limit": 4_000, "training.epochs": 6},
    ),
    "tutorial_replica": Preset(
        family=RESPONSE,
        title="The tutorial's replica",
        summary="The KDD 2022 tutorial's student: BERT-Tiny's size, one shared encoder, cosine, "
        "squared error against the teacher's probability, no temperature, no labels.",
        student="twinbert_cos:layers=2,hidden=128,heads=2,pooling=cls,query_tokens=9,ad_tokens=24",
        promise="The tutorial's losses, lengths, batch, step size and epochs. Unlike there, the "
        "student starts from random weights, and validation, not test, selects the epoch, so its "
        "figures are its own. On data with only two grades, set Head under Advanced to "
        "half_cosine, the tutorial's (cos + 1) / 2; the bundled world has four grades.",
        settings=_WATCHED
        | {
            "method.params.loss": "mse_probabilities",
            "method.params.temperature": 1.0,
            "soft_weight": 1.0,
            "hard_weight": 0.0,
            "training.epochs": 10,
            "training.batch_size": 512,
            "training.learning_rate": 1e-4,
        },
    ),
    "paper_twinbert": Preset(
        family=RESPONSE,
        title="The paper's TwinBERT",
        summary="Letter trigrams and a weighted pooling under a cosine, in the size of Microsoft's "
        "later public settings.",
        student="twinbert_cos:units=trigrams,layers=3,hidden=768,heads=8,inner=3072,"
        "query_tokens=16,ad_tokens=16,vocabulary=49292",
        promise="Shape, batch and step size of Microsoft's later public TwinBERT: one shared "
        "encoder of 3 layers, 768 wide, 16 tokens a side. The data and the pretrained start are "
        "not here, temperature and weights are this lab's, and no figure of the paper is "
        "promised. Without a GPU it takes hours.",
        settings=_WATCHED | {"training.batch_size": 512, "training.learning_rate": 1e-4},
    ),
    "fitnets": Preset(
        family=BESIDE,
        title="FitNets-like",
        summary="A student that is thinner and deeper than its teacher gets a hint: its "
        "middle layer also learns the teacher's middle layer.",
        student="bert:layers=4,hidden=96,heads=2,vocabulary=3000",
        promise="FitNets (arXiv:1412.6550): the hint first, in a stage of its own, then soft "
        "labels. Ours: both at once; the hint compares [CLS], the vector that stands for the whole "
        "pair, after a learned matrix has brought it to the teacher's width, and its weight falls "
        "to 0 at the last step.",
        settings=_SHORT
        | {
            "terms.feature.weight": 1.0,
            "terms.feature.params.loss": "hint",
            "terms.feature.params.on": "cls",
            "terms.feature.params.layers": "middle",
            "terms.feature.params.projection": "always",
            "schedules.feature.end": 0.0,
        },
    ),
    "distilbert": Preset(
        family=BESIDE,
        title="DistilBERT-like",
        summary="Soft labels, hard labels and the direction of the last layer's token vectors, for "
        "a student that starts from its teacher's layers.",
        student=_OF_TEACHER,
        promise="DistilBERT (arXiv:1910.01108) distills a language model before it learns a task. "
        "Ours: its official weights 5, 2 and 1 on the task itself, with the grades in the place of "
        f"the masked words. {_FITS}",
        settings=_FROM_TEACHER
        | {
            "soft_weight": 5.0,
            "hard_weight": 2.0,
            "terms.feature.weight": 1.0,
            "terms.feature.params.loss": "cosine",
            "terms.feature.params.on": "tokens",
        },
    ),
    "relations": Preset(
        family=BESIDE,
        title="Relations",
        summary="Pairs lie as far apart, and at the same angles, in the student's vectors as in "
        "the teacher's.",
        student=_TWO_TOWERS,
        promise="Relational knowledge distillation (arXiv:1904.05068) with the official code's "
        "weights, 1 for distances and 2 for angles; ours: beside soft labels, angles among 64 "
        "pairs of a batch.",
        settings=_SHORT | {"terms.relation.weight": 1.0},
    ),
    "ranking": Preset(
        family=BESIDE,
        title="Ranking",
        summary="Beside the soft labels of each pair, the student learns the teacher's softmax "
        "over the ads of a query.",
        student=_TWO_TOWERS,
        promise="A relevance model is used to order the ads of a query, so look at nDCG@5 "
        "beside ROC-AUC. The ads of a query stay together in a batch. Ours: the weight 1.",
        settings=_SHORT | {"terms.ranking.weight": 1.0, "terms.ranking.params.loss": "list_kl"},
    ),
    "teacher_layers": Preset(
        family=INTERNAL,
        title="The teacher's layers",
        summary="Soft labels alone, but the student starts from layers of its teacher, evenly "
        "chosen, instead of random weights.",
        student=_OF_TEACHER,
        promise="The twin starts from the same layers, so the verdict shows what the soft labels "
        f"add to them. {_FITS}",
        settings=_FROM_TEACHER,
    ),
    "tinybert": Preset(
        family=INTERNAL,
        title="TinyBERT-like",
        summary="Each layer of the student learns the attention maps and the token vectors of a "
        "layer of its teacher.",
        student=_OF_TEACHER,
        promise="TinyBERT (arXiv:1909.10351): every m-th layer, and squared errors. Ours: KL of "
        "the attention maps, no term for the embeddings, no stage before the task, and a start "
        f"from the teacher's layers. {_FITS}",
        settings=_FROM_TEACHER
        | {
            "terms.internal.weight": 1.0,
            "terms.internal.params.cosine_weight": 0.0,
            "terms.feature.weight": 1.0,
            "terms.feature.params.on": "tokens",
            "terms.feature.params.layers": "skip",
        },
    ),
    "minilm": Preset(
        family=INTERNAL,
        title="MiniLM-like",
        summary="The student's last layer learns how the tokens relate to one another in the "
        "teacher's attention: by its query, key and value vectors, which are not search queries.",
        student=_OF_TEACHER,
        promise="MiniLMv2 (arXiv:2012.15828) does it before the task. Ours: on the task, beside "
        f"soft labels, from a start at the teacher's layers. {_FITS}",
        settings=_FROM_TEACHER
        | {"terms.internal.weight": 1.0, "terms.internal.params.loss": "minilm"},
    ),
    "internal": Preset(
        family=INTERNAL,
        title="Layer by layer",
        summary="Attention maps and [CLS] of the teacher's layers, from the lowest up; soft and "
        "hard labels join after the last.",
        student=_OF_TEACHER,
        promise="Internal distillation (arXiv:1910.03723), stacked: layer after layer, and the "
        "losses of earlier layers stay. Ours: one epoch per layer, the exact formula of the "
        f"attention loss, and the start from the teacher's layers. {_FITS}",
        settings=_FROM_TEACHER
        | {"terms.internal.weight": 1.0, "terms.internal.params.schedule": "stacked"},
    ),
    "assistant": Preset(
        family=TEACHERS,
        title="With an assistant",
        summary="A small second model learns what the student's vector still lacks of its "
        "teacher's, and stays beside the student: both answer together.",
        student="twinbert_cos:vocabulary=3000,layers=1,hidden=96",
        promise="Residual distillation (arXiv:2002.09168). Ours: soft labels beside it, and an "
        "assistant of extra weights, which learns in the second half of the steps while the "
        "student is frozen. Size and latency count both; the twin has no assistant.",
        settings=_SHORT | {"terms.residual.weight": 1.0, "terms.residual.params.hidden": 64},
    ),
    "ensemble": Preset(
        family=TEACHERS,
        title="Several teachers",
        summary="The bundled teacher and a BERT-2 that it taught: the student learns the mean of "
        "their probabilities.",
        student=_TWO_TOWERS,
        teacher="ensemble:teacher+bert-kd",
        promise="An ensemble as a teacher goes back to arXiv:1503.02531, where its members are of "
        "one kind. Ours: any runs of the lab. A weak member may pull the mean down, so look at "
        "the verdict, and try it against the teacher alone.",
        settings=_SHORT,
    ),
    "born_again": Preset(
        family=TEACHERS,
        title="Born again",
        summary="No outside teacher: a student learns from labels, and its next two generations "
        "each from the one before.",
        student=_TWO_TOWERS,
        teacher="born_again",
        promise="Born-again networks (arXiv:1805.04770): each generation has the shape of the one "
        "before. Ours: all start from the same seed; the last is the run, the first its twin.",
        settings=_SHORT,
    ),
    "mutual": Preset(
        family=TEACHERS,
        title="Mutual learning",
        summary="No outside teacher: two students of one kind learn at the same time, each from "
        "the labels and from the other's soft labels.",
        student=_TWO_TOWERS,
        teacher=f"peer:{_TWO_TOWERS}",
        promise="After deep mutual learning (arXiv:1706.00384). Ours: T 1, equal weights of labels "
        "and peer, and both move at once. Each is a run; the twin learns from labels alone.",
        settings=_SHORT | {"hard_weight": 1.0, "method.params.temperature": 1.0},
    ),
    "own_average": Preset(
        family=TEACHERS,
        title="Its own average",
        summary="No outside teacher: the student learns from a moving average of its own weights, "
        "beside the labels.",
        student=_TWO_TOWERS,
        teacher="ema:decay=0.99",
        promise="In the spirit of the mean teacher (arXiv:1703.01780), without its noise. The "
        "labels weigh as much as the average, which is untrained at first.",
        settings=_SHORT | {"hard_weight": 1.0},
    ),
}


def preset_entry(name: str) -> Preset:
    """The preset of a name; a typo is answered with the nearest one."""
    return lookup(PRESETS, name, "preset")


def config_of(preset: str, changes: Mapping[str, Any] | None = None) -> DistillConfig:
    """A preset's config with some settings changed; every problem at once, beside its path.

    changes: values by path, for instance {"method.params.temperature": 4, "student.name":
    "cdssm"}; another student or method starts from its own defaults.
    """
    entry = preset_entry(preset)
    start = DistillConfig(teacher=entry.teacher, student=ModelConfig.parse(entry.student))
    return changed(changed(start, entry.settings), changes or {})


def changed_from(preset: str, config: DistillConfig) -> dict[str, Any]:
    """What differs from a preset, by path: config_of(preset, these) == config.

    A start from the very run that teaches is called "teacher", as presets call it.
    """
    if config.student.start_from and config.student.start_from == config.teacher:
        config = replace(config, student=replace(config.student, start_from=ITS_TEACHER))
    return differences(config_of(preset), config)
