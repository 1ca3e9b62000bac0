"""The same families in TextBrewer and torchdistill, as contenders of throughput.py.

transformers' own models, dynamic padding, the teacher in the loop. Imported where the packages are
installed, which the lab never needs.
"""

import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from data import PAD_PAIR, Job
from measure import Pace
from peers import RATE, Item, forever, pad_together, size_of, together_items
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertForSequenceClassification

DROPOUT = 0.1  # of the student, as the lab's; none on attention
TEMPERATURE = 2.0
HIDDEN = {"feature": "hidden", "layer_S": 0, "layer_T": 0, "weight": 1}


def response(job: Job, pace: Pace) -> None:
    """TextBrewer's GeneralDistiller: cross-entropy on soft labels."""
    _general([], job, pace)


def feature(job: Job, pace: Pace) -> None:
    """The same, and hidden_mse of the last [CLS] through a linear projection."""
    projected = ["linear", 128, 256]
    _general([HIDDEN | {"loss": "hidden_mse", "proj": projected}], job, pace)


def internal(job: Job, pace: Pace) -> None:
    """The same, attention_ce of both layers and the cosine of their [CLS]."""
    matches = []
    for student, teacher in ((0, 1), (1, 3)):
        pair = {"layer_S": student, "layer_T": teacher, "weight": 1}
        matches.append(pair | {"feature": "attention", "loss": "attention_ce"})
        cls = pair | {"feature": "hidden", "loss": "cos", "proj": ["linear", 128, 256]}
        matches.append(cls)
    _general(matches, job, pace, inside=True)


def ensemble(job: Job, pace: Pace) -> None:
    """TextBrewer's MultiTeacherDistiller with two teachers."""
    from textbrewer import MultiTeacherDistiller

    student, teachers = _student(), [_teacher(), _teacher()]
    _textbrewer(MultiTeacherDistiller, teachers, student, [], job, pace)


def relation(job: Job, pace: Pace) -> None:
    """torchdistill's KDLoss and RKDLoss on logits and [CLS], in the usual loop."""
    from torchdistill.losses.mid_level import KDLoss, RKDLoss

    student, teacher = _student(), _teacher()
    place = {"student_module_path": "logits", "teacher_module_path": "logits"}
    ways = {"student_module_io": "output", "teacher_module_io": "output"}
    soft = KDLoss(**place, **ways, temperature=TEMPERATURE, alpha=0.0)
    relations = RKDLoss("cls", "cls", 1.0, 2.0, "mean")
    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE)
    for batch in forever(_loader(job)):
        with torch.no_grad():
            theirs = _io(teacher(**batch))
        ours = _io(student(**batch))
        loss = soft(ours, theirs, targets=batch["labels"]) + relations(ours, theirs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        pace.taken(len(batch["labels"]))


def _io(outputs: Any) -> dict[str, dict[str, Any]]:
    """Outputs as torchdistill's hooks pass them."""
    return {
        "logits": {"output": outputs.logits},
        "cls": {"output": outputs.hidden_states[-1][:, 0]},
    }


def _general(matches: list[dict[str, Any]], job: Job, pace: Pace, inside: bool = False) -> None:
    from textbrewer import GeneralDistiller

    _textbrewer(GeneralDistiller, _teacher(inside), _student(inside), matches, job, pace, inside)


def _textbrewer(
    kind: Any,
    teacher: Any,
    student: nn.Module,
    matches: list[dict[str, Any]],
    job: Job,
    pace: Pace,
    inside: bool = False,
) -> None:
    """Train with one of TextBrewer's distillers until the pace ends it."""
    from textbrewer import DistillationConfig, TrainingConfig

    def adapted(batch: Any, outputs: Any) -> dict[str, Any]:
        """What a distiller reads; matches name places in these lists."""
        layers = outputs.hidden_states[1:] if inside else outputs.hidden_states[-1:]
        found = {"logits": outputs.logits, "hidden": [layer[:, 0] for layer in layers]}
        return found | {"attention": outputs.attentions} if inside else found

    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE)
    optimizer.register_step_post_hook(lambda *_: pace.taken(job.batch))
    student.train()
    with tempfile.TemporaryDirectory() as folder:
        train = TrainingConfig(device="cpu", output_dir=folder, ckpt_steps=10**9)
        distill = DistillationConfig(
            temperature=TEMPERATURE, kd_loss_type="ce", intermediate_matches=matches
        )
        distiller = kind(train, distill, teacher, student, adapted, adapted)
        with distiller:
            distiller.train(optimizer, _loader(job), num_steps=10**9)


def _loader(job: Job) -> Iterable[Mapping[str, Any]]:
    items = together_items(job, [float(grade) for grade in job.train.grades])
    return DataLoader(items, job.batch, shuffle=True, collate_fn=_batch, drop_last=True)


def _batch(items: list[Item]) -> dict[str, Any]:
    """A batch as transformers' BERT takes it, padded to its longest pair."""
    batch = pad_together(items, fixed=False)
    return {
        "input_ids": batch["pair"],
        "attention_mask": batch["pair_mask"],
        "token_type_ids": batch["segment"],
        "labels": batch["target"].long(),
    }


def _student(inside: bool = False) -> nn.Module:
    return _bert(2, 128, DROPOUT, inside).train()


def _teacher(inside: bool = False) -> nn.Module:
    return _bert(4, 256, 0.0, inside).eval()


def _bert(layers: int, width: int, dropout: float, inside: bool) -> nn.Module:
    config = size_of(layers, width, 4, PAD_PAIR, dropout, 0.0)
    config.output_hidden_states, config.output_attentions = True, inside
    config._attn_implementation = "eager" if inside else "sdpa"  # the fast one gives no maps
    return BertForSequenceClassification(config)
