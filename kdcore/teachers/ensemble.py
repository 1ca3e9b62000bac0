"""Several teachers as one: the mean of their predictions, and whether that mean is a fair one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError
from kdcore.labels import LabelScheme
from kdcore.predictions import Origin, Predictions
from kdcore.scores import log_odds, log_sum

WIDER = 2.0  # times the spread of the narrowest member, from which a mean of logits is one-sided
Floats = NDArray[np.float64]


def averaged(
    members: Sequence[Predictions],
    average: str,
    scheme: LabelScheme,
    weights: Floats | None = None,
) -> Predictions:
    """The members' predictions on the same pairs as those of one model; a single one as it is.

    Hinton et al. 2015, section 1, name both means: of probabilities (arithmetic) and of logits
    (geometric). The result holds logits: of probabilities, the logarithm of their mean at T = 1.

    average: "probabilities" or "logits". scheme: the grades of all members. weights: (members,
    pairs), 0 where a member has no answer; None: all count equally.
    """
    first = members[0]
    if len(members) == 1:
        return first
    stack = np.stack([np.asarray(m.logits, dtype=np.float64) for m in members])
    if weights is None:
        logits = _log_mean(stack) if average == "probabilities" else stack.mean(axis=0)
    else:
        logits = _weighted_mean(stack, weights / weights.sum(axis=0), average)
    names = [member.model for member in members]
    notes = (note for member in members for note in member.notes)
    return Predictions(
        logits,
        first.data_hash,
        "+".join(names),
        notes=tuple(dict.fromkeys(notes)),
        origin=_origin(members),
        # answers that were spread over more grades saturate, so their order is stored apart
        ranking=None if all(m.ranking is None for m in members) else log_odds(logits, scheme),
    )


def _origin(members: Sequence[Predictions]) -> Origin | None:
    """That of a member whose probabilities are not its own; None where all give their own.

    One without a P(relevant) of its own goes before one without probabilities of the grades.
    """
    foreign = [m for m in members if not m.own_relevance]
    foreign += [m for m in members if not m.own_grades]
    if not foreign or foreign[0].origin is None:
        return None
    return replace(foreign[0].origin, member=foreign[0].model)


def _log_mean(stack: Floats) -> Floats:
    """(pairs, classes) logarithm of the mean probability of (members, pairs, classes) logits."""
    log_p = stack - log_sum(stack)[..., None]
    return np.asarray(log_sum(np.moveaxis(log_p, 0, -1)) - np.log(len(stack)))


def _weighted_mean(stack: Floats, shares: Floats, average: str) -> Floats:
    """(pairs, classes) mean of (members, pairs, classes) logits; shares: (members, pairs)."""
    if average == "logits":
        return np.asarray((stack * shares[..., None]).sum(axis=0))
    with np.errstate(divide="ignore"):
        log_p = stack - log_sum(stack)[..., None] + np.log(shares)[..., None]
    return log_sum(np.moveaxis(log_p, 0, -1))


def refuse_other_grades(schemes: Sequence[tuple[str, LabelScheme]]) -> None:
    """ConfigError unless all members, by their names, use the same grades."""
    (first, grades), *rest = schemes
    problems = [
        f"teacher: {name} has the grades {', '.join(other.grades)} and {first} has "
        f"{', '.join(grades.grades)}; choose runs with the same grades"
        for name, other in rest
        if (other.grades, other.relevant_from) != (grades.grades, grades.relevant_from)
    ]
    if problems:
        raise ConfigError("These runs cannot teach together:", problems)


def notes_of(members: Sequence[Predictions], average: str, scheme: LabelScheme) -> tuple[str, ...]:
    """What an average of these members can add, and where one of them leads it, a sentence each."""
    if len(members) < 2:
        return ()
    tops = np.stack([member.logits.argmax(axis=1) for member in members])
    share = float((tops == tops[0]).all(axis=0).mean())
    notes = [f"the {len(members)} teachers agree on the top grade of {share:.0%} of the pairs"]
    spreads = [float(np.std(log_odds(member.logits, scheme))) for member in members]
    widest, narrowest = int(np.argmax(spreads)), int(np.argmin(spreads))
    if average == "logits" and spreads[widest] >= WIDER * spreads[narrowest]:
        notes.append(
            f"the log-odds of {members[widest].model} have a standard deviation of "
            f"{spreads[widest]:.2g}, those of {members[narrowest].model} of "
            f"{spreads[narrowest]:.2g}, so the mean of logits mostly follows the first; "
            "average=probabilities weighs them equally"
        )
    return tuple(notes)
