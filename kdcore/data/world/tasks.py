"""Compute eight targets for a multi-task teacher (AdsBERT), one column task_<name> each."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kdcore.data.world.catalogue import Ints, catalogue
from kdcore.data.world.needs import Needs
from kdcore.data.world.offers import Offers
from kdcore.data.world.truth import AGREEMENT, CONFLICT, UNASKED, agreement
from kdcore.labels import FOUR_GRADES, TASK_PREFIX


def tasks() -> Mapping[str, tuple[str, ...]]:
    """Return each task and the names of its classes; column task_<name> holds class indices.

    task_relevance is -1 where the pair is unlabelled; every other target is always defined.
    """
    cat = catalogue()
    return {
        "relevance": FOUR_GRADES.grades,
        "click": ("no click", "click"),
        "query_intent": cat.intents,
        "query_vertical": cat.verticals,
        "ad_vertical": cat.verticals,
        "brand_match": AGREEMENT,
        "place_match": AGREEMENT,
        "attribute_conflict": ("none asked", "no conflict", "conflict"),
    }


def targets(
    needs: Needs, offers: Offers, grades: Ints, clicks: NDArray[np.bool_]
) -> dict[str, Ints]:
    """Return (pairs,) class indices of the eight tasks, by column name."""
    cat, agree = catalogue(), agreement(needs, offers)
    states = np.stack([agree.value_1, agree.value_2, agree.excluded])
    conflict = np.where((states == UNASKED).all(axis=0), 0, 1 + (states == CONFLICT).any(axis=0))
    columns = {
        "relevance": grades,
        "click": clicks,
        "query_intent": needs.intent,
        "query_vertical": cat.type_vertical[needs.type],
        "ad_vertical": cat.type_vertical[offers.type],
        "brand_match": agree.brand,
        "place_match": agree.place,
        "attribute_conflict": conflict,
    }
    return {TASK_PREFIX + n: np.asarray(column, dtype=np.int64) for n, column in columns.items()}
