"""The exact answer of the errand grammar: what fills a gap, where it knows the sentence."""

import re
from collections import defaultdict
from functools import cache
from itertools import product
from typing import Any

from kdcore.data.world.catalogue import read
from kdcore.language.fill import BLANK, check_sentence

_SLOTS = ("who", "when", "adj")  # drawn evenly, whatever the place


def truth(sentence: str) -> dict[str, float]:
    """P(word | the rest of the sentence) under the grammar of `sentences`, likeliest first.

    Exact: every errand that fits is counted with its weight. Empty when none does, which is all
    that can be known of a sentence from elsewhere. Only single words fill a gap, as for a model.
    """
    before, after = BLANK.split(check_sentence(sentence).casefold(), maxsplit=1)
    fits = re.compile(re.escape(before) + r"([^\W_]+)" + re.escape(after))
    weights: defaultdict[str, float] = defaultdict(float)
    for text, weight in _errands().items():
        if match := fits.fullmatch(text):
            weights[match[1]] += weight
    total = sum(weights.values())
    ranked = sorted(weights.items(), key=lambda entry: (-entry[1], entry[0]))
    return {word: weight / total for word, weight in ranked}


@cache
def _errands() -> dict[str, float]:
    """Every sentence that the grammar can say, in small letters, and its weight."""
    data: dict[str, Any] = read("sentences")
    errands: defaultdict[str, float] = defaultdict(float)
    for frame, share in data["frames"]:
        used = [slot for slot in _SLOTS if f"{{{slot}}}" in frame]
        fillings = [dict(zip(used, f, strict=True)) for f in product(*(data[s] for s in used))]
        for place, entry in data["places"].items():
            goods, gets = entry["goods"], entry["get"]
            each = share * entry["weight"] / sum(goods.values()) / len(gets) / len(fillings)
            for (good, liked), get in product(goods.items(), gets):
                slots = {"place": place, "good": good, "get": get, "gets": data["gets"][get]}
                for filling in fillings:
                    errands[frame.format(**slots, **filling).casefold()] += each * liked
    return dict(errands)
