"""The head of a pretrained classifier, brought to the grades of the data by the names it has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from kdcore.errors import DataError
from kdcore.labels import LabelScheme

_NAMELESS = re.compile(r"label_?\d+|\d+", re.IGNORECASE)


@dataclass(frozen=True)
class HeadPlan:
    """What becomes of a checkpoint's head.

    labels: how many it is loaded with. order: its rows in the order of the grades, () as they
    stand. one_logit: its one number is the log-odds of the better of two grades. fits: whether it
    is used at all; one that does not begins untrained. note: a sentence on it.
    """

    labels: int
    fits: bool
    note: str
    order: tuple[int, ...] = ()
    one_logit: bool = False


def plan_head(config: Any, scheme: LabelScheme) -> HeadPlan:
    """Decide what to do with the head that a checkpoint's config describes, for these grades."""
    names = [str(config.id2label[i]) for i in range(config.num_labels)]
    grades, count = ", ".join(scheme.grades), len(scheme)
    if len(names) == 1 and count == 2:
        note = f"the one logit of its head is read as the log-odds of {scheme.grades[1]!r}"
        return HeadPlan(1, True, note, one_logit=True)
    if len(names) != count:
        note = f"its head has {len(names)} labels and the data {count} grades"
        return HeadPlan(count, False, f"{note}, so the head begins untrained")
    if all(_NAMELESS.fullmatch(name) for name in names):
        note = f"the labels of its head have no names ({', '.join(names)})"
        return HeadPlan(count, True, f"{note}; they are taken for {grades}, in this order")
    folded = [name.strip().casefold() for name in names]
    folded_grades = [grade.strip().casefold() for grade in scheme.grades]
    if sorted(folded) != sorted(folded_grades) or len(set(folded)) != count:
        note = f"the labels of its head ({', '.join(names)}) are not the grades ({grades}), so the"
        cure = "name the grades in id2label of its config.json to keep it"
        return HeadPlan(count, False, f"{note} head begins untrained; {cure}")
    order = tuple(folded.index(grade) for grade in folded_grades)
    if order == tuple(range(count)):
        return HeadPlan(count, True, f"its head is used as it is ({grades})")
    note = f"the rows of its head ({', '.join(names)}) were turned to the order of the grades"
    return HeadPlan(count, True, f"{note} ({grades})", order)


@torch.no_grad()
def fit_head(net: Any, plan: HeadPlan, untrained: bool) -> None:
    """Adapt the head as planned; untrained: the files have no complete head."""
    if not plan.one_logit and (untrained or (plan.fits and not plan.order)):
        return
    layer = _last_layer(net)
    parts = [part for part in (layer.weight, layer.bias) if part is not None]
    if plan.one_logit:  # logits (0, x) where the head gave x: their softmax is the sigmoid of x
        for name, part in zip(("weight", "bias"), parts, strict=False):
            setattr(layer, name, nn.Parameter(torch.cat([torch.zeros_like(part), part])))
        layer.out_features = net.config.num_labels = net.num_labels = 2
    elif not plan.fits:
        layer.weight.normal_(std=getattr(net.config, "initializer_range", 0.02))
        if layer.bias is not None:
            layer.bias.zero_()
    else:
        for part in parts:
            part.copy_(part[list(plan.order)])


@torch.no_grad()
def rescale_head(net: Any, scale: float, shift: Sequence[float]) -> None:
    """Let the logits be scale · logits + shift; shift: a number per label."""
    layer = _last_layer(net)
    layer.weight.mul_(scale)
    bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias * scale
    layer.bias = nn.Parameter(bias + torch.tensor(shift, dtype=bias.dtype))


def _last_layer(net: Any) -> nn.Linear:
    """The layer whose rows are the labels."""
    inside = {id(module) for module in net.base_model.modules()}
    labels = net.config.num_labels
    layers = [
        module
        for module in net.modules()
        if isinstance(module, nn.Linear) and id(module) not in inside
        if module.out_features == labels
    ]
    if not layers:
        raise DataError(f"{type(net).__name__} shows no layer of {labels} labels in its head")
    return layers[-1]
