"""next_experiments(): the three most telling runs after this one, each changing one thing."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from kdcore.catalog.options import option_name
from kdcore.config import DistillConfig
from kdcore.data.library import WORLD
from kdcore.errors import ConfigError
from kdcore.evaluation.texts import signed
from kdcore.experiments.changes import changed as with_changes
from kdcore.experiments.changes import flat
from kdcore.judging.verdict import Judgement

COUNT = 3
SEEDS = 2**31
WORLD_TEST = 10_000  # test pairs of the bundled world as it comes
MOST_TEST = 40_000
_MOSTLY = 0.5  # least share of scored pairs with which a student can do without labels
_HOTTEST = 20.0  # a higher temperature only flattens: the limit is already there
_SOFTENED = ("kl", "ce")  # losses that read the temperature
_WATCHED = ("checkpoint_seconds", "replay_points", "log_every")
_NOT_LEARNED = ("device", "threads", *(f"training.{knob}" for knob in _WATCHED))


@dataclass(frozen=True)
class Experiment:
    """The run just judged with one thing changed.

    changed: values by path, for changes.changed; why: a sentence that follows from the result.
    """

    label: str
    changed: Mapping[str, Any]
    why: str


@dataclass(frozen=True)
class _Case:
    """What an idea looks at. trained_on: pairs that the run learned from, 0 when not known.

    scored: the share of them that the teacher scored.

    temperatures: those at which earlier runs trained such a student by this method.
    """

    config: DistillConfig
    judgement: Judgement
    trained_on: int
    temperatures: frozenset[float] = frozenset()
    scored: float = 1.0

    @property
    def difference(self) -> str:
        j = self.judgement
        return f"{signed(j.delta)} [{signed(j.low)}, {signed(j.high)}]"


Idea = Callable[[_Case], Iterator[Experiment]]


def next_experiments(
    config: DistillConfig,
    judgement: Judgement,
    earlier: Iterable[DistillConfig] = (),
    trained_on: int = 0,
    scored: float = 1.0,
) -> list[Experiment]:
    """Three experiments, most telling first; none out of range, none that was run already.

    earlier: configs of the group; trained_on: pairs that the run learned from, where it is known;
    scored: the share of them that the teacher scored.
    """
    earlier = list(earlier)
    case = _Case(config, judgement, trained_on, _temperatures(config, earlier), scored)
    done = {_mark(config), *map(_mark, earlier)}
    ideas = [idea(case) for idea in _ORDER[judgement.verdict]]
    experiments: list[Experiment] = []
    while len(experiments) < COUNT:  # ends: another seed is always left
        for idea in ideas:
            experiment = next((e for e in idea if _is_new(config, e, done)), None)
            if experiment is not None and len(experiments) < COUNT:
                experiments.append(experiment)
    return experiments


def _is_new(config: DistillConfig, experiment: Experiment, done: set[str]) -> bool:
    """Whether it can be run and was not; from then on it counts as done."""
    try:
        mark = _mark(with_changes(config, experiment.changed))
    except ConfigError:
        return False
    if mark in done:
        return False
    done.add(mark)
    return True


def _mark(config: DistillConfig) -> str:
    """Equal for runs that learn and are tested alike, wherever they are computed."""
    settings = {path: v for path, v in flat(config).items() if path not in _NOT_LEARNED}
    return json.dumps(settings, sort_keys=True, default=str)


def _temperatures(config: DistillConfig, earlier: Iterable[DistillConfig]) -> frozenset[float]:
    """Temperatures of earlier runs with the student and the method of this one."""
    alike = [
        other.method.params
        for other in earlier
        if (other.student.name, other.method.name) == (config.student.name, config.method.name)
    ]
    return frozenset(p.temperature for p in alike if hasattr(p, "temperature"))


def _another_seed(case: _Case) -> Iterator[Experiment]:
    seed = case.config.seed
    why = {
        "BETTER": "One seed was better than its twin. Three tell whether the next would be, too.",
        "WORSE": "One seed was worse than its twin. Three tell whether that was the method or "
        "chance.",
        "INCONCLUSIVE": f"The difference, {case.difference}, is within what chance does. Seeds "
        "that agree would tell more than one run can.",
    }.get(case.judgement.verdict, "One seed says nothing of the next: run another with its twin.")
    for step in range(1, SEEDS):
        other = (seed + step) % SEEDS
        yield Experiment(f"seed {seed} → {other}", {"seed": other}, why)


def _more_test_pairs(case: _Case) -> Iterator[Experiment]:
    name, _, tail = case.config.data.partition(":")
    if name != WORLD:  # other data has as many test pairs as it has
        return
    sizes = dict(part.split("=") for part in tail.split(",") if "=" in part)
    here = int(sizes.get("test", WORLD_TEST))
    j = case.judgement
    needed = (j.smallest_detectable / abs(j.delta)) ** 2 if j.delta else math.inf
    factor = 4 if not isfinite(needed) or needed > 2 else 2
    unseen = "A small true difference goes mostly unseen"
    if isfinite(j.smallest_detectable):
        unseen = f"A true difference below {j.smallest_detectable:.3f} goes mostly unseen"
    for more in (factor * here, MOST_TEST):
        if here < more <= MOST_TEST:
            data = ",".join(f"{k}={v}" for k, v in {**sizes, "test": str(more)}.items())
            yield Experiment(
                f"test pairs {here:,} → {more:,}",
                {"data": f"{WORLD}:{data}"},
                f"{unseen} on {here:,} test pairs; on {more:,} the interval is about "
                f"{100 * math.sqrt(here / more):.0f} % as wide.",
            )


def _more_training_pairs(case: _Case) -> Iterator[Experiment]:
    limit = case.config.limit
    if case.config.transfer == "log":  # which no limit cuts
        return
    if not limit or (case.trained_on and case.trained_on < 0.9 * limit):
        return  # there are no more
    yield Experiment(
        f"limit {limit:,} → {2 * limit:,} pairs",
        {"limit": 2 * limit},
        "With twice the pairs both students learn more; "
        + (
            "those that the file does not score are learned from their labels only."
            if case.config.teaching.files
            else "whether the teacher still helps then is the question that a larger data set asks."
        ),
    )


def _temperature(case: _Case) -> Iterator[Experiment]:
    params = case.config.method.params
    now = getattr(params, "temperature", None)
    if now is None or getattr(params, "loss", "kl") not in _SOFTENED:
        return
    others = [now * 2, now / 2, now * 4, 1.0] if now < 4 else [now / 2, now * 2, 1.0, now / 4]
    for other in others:
        if 0.25 <= other <= _HOTTEST and other not in case.temperatures:
            kind = "Flatter" if other > now else "Sharper"
            why = {
                "BETTER": f"T = {other:g} was not tried yet. {kind} soft labels may do better "
                "or worse.",
                "WORSE": f"At T = {now:g} the soft labels did not help; {kind.lower()} ones "
                "weigh the teacher's doubts otherwise.",
            }.get(
                case.judgement.verdict,
                f"T = {now:g} is one choice. {kind} soft labels weigh "
                "the teacher's doubts otherwise.",
            )
            yield Experiment(f"T {now:g} → {other:g}", {"method.params.temperature": other}, why)


def _hard_weight(case: _Case) -> Iterator[Experiment]:
    now = case.config.hard_weight
    if case.config.transfer == "log":  # which has no labels
        return
    if now > 0 and case.scored >= _MOSTLY:  # else most pairs would teach nothing
        yield Experiment(
            "no hard labels",
            {"hard_weight": 0.0},
            f"The labels had a weight of {now:g} beside the teacher. Without them it learns "
            "from the teacher alone.",
        )
    for weight in (0.1, 0.5, 1.0):
        if weight > now:
            yield Experiment(
                f"hard labels {now:g} → {weight:g}",
                {"hard_weight": weight},
                "The teacher's mistakes are learned, too; the labels may set them right.",
            )


def _longer(case: _Case) -> Iterator[Experiment]:
    epochs = case.config.training.epochs
    why = {
        "WORSE": "Soft labels hold more to learn; a student that was stopped early shows "
        "little of it.",
        "BETTER": "It may not be at its end: the twin is given as many epochs, too.",
    }.get(case.judgement.verdict, "Twice the steps may part the two, or show that nothing does.")
    for times in (2, 4):
        yield Experiment(
            f"epochs {epochs} → {times * epochs}", {"training.epochs": times * epochs}, why
        )


def _smaller(case: _Case) -> Iterator[Experiment]:
    params = case.config.student.params
    why = {
        "BETTER": f"It leads its twin by {signed(case.judgement.delta)}: a student that costs "
        "less may keep that lead.",
    }.get(case.judgement.verdict, "A weaker student has more to gain from a teacher.")
    name = "layers" if hasattr(params, "layers") else "keep_layers"
    whole = layers = int(getattr(params, name, 0))
    while layers > 1:
        layers //= 2
        change = f"{whole} → {layers}"
        half = f"half the layers ({change})" if whole == 2 * layers else f"layers {change}"
        taken: dict[str, Any] = (
            {"student.layers_from": []} if case.config.student.layers_from else {}
        )
        yield Experiment(half, {f"student.params.{name}": layers, **taken}, why)
    for knob in () if case.config.student.start_from else ("filters", "hidden"):
        if wide := int(getattr(params, knob, 0)):
            label = f"half the width ({wide} → {wide // 2})"
            yield Experiment(label, {f"student.params.{knob}": wide // 2}, why)


def _other_loss(case: _Case) -> Iterator[Experiment]:
    now = getattr(case.config.method.params, "loss", "")
    for loss, why in (
        ("mse_logits", "Matching logits is the limit of a high temperature: it weighs all grades."),
        ("kl", "KL of soft labels is the usual way; the present loss may be what holds it back."),
    ):
        if now and loss != now:
            label = f"loss {option_name(now)} → {option_name(loss)}"
            yield Experiment(label, {"method.params.loss": loss}, why)


def _without_a_term(case: _Case) -> Iterator[Experiment]:
    for term in case.config.terms:
        words = term.name.replace("_", " ")
        yield Experiment(
            f"without {words}",
            {f"terms.{term.name}.weight": 0.0},
            f"The same student without the term {words} shows what that term brought.",
        )


def _one_more_term(case: _Case) -> Iterator[Experiment]:
    methods = {term.method for term in case.config.soft_terms.values()}
    for name, why in _TERMS.items():
        if name not in methods:
            yield Experiment(f"plus {name}", {f"terms.{name}.weight": 1.0}, why)


_TERMS = {
    "ranking": "Soft labels teach each pair alone; this term teaches the order of a query's ads.",
    "feature": "The teacher's vectors hold more than its answers; this term hands them on, too.",
}
_ORDER: dict[str, tuple[Idea, ...]] = {
    "BETTER": (
        *(_without_a_term, _smaller, _temperature, _hard_weight, _another_seed, _longer),
        _other_loss,
    ),
    "WORSE": (
        *(_without_a_term, _temperature, _hard_weight, _longer, _other_loss, _one_more_term),
        _another_seed,
    ),
    "INCONCLUSIVE": (
        *(_another_seed, _more_test_pairs, _more_training_pairs),
        *(_temperature, _longer, _hard_weight, _without_a_term, _one_more_term),
    ),
    "NO TWIN": (_another_seed, _temperature, _hard_weight),
}
