"""Statuses that an earlier version wrote: one English sentence, from which the fields are read.

Nothing else reads fields from a sentence. Delete this once no such runs are left.
"""

import re
from typing import Any


def fields_of_sentence(message: str) -> dict[str, Any]:
    """The fields page, cause and change of a status whose message alone was written."""
    page = re.split(r"; (?:resume|continue) with", message)[0]
    cause = "settings" if "\n- " in message else ""
    values: dict[str, Any] = {"page": "" if page == message else page, "cause": cause, "change": {}}
    if "out of memory" in message:
        fits = re.search(r"; (?:batch size )?(\d+) (?:needs|fits)", message)
        change = {"training.batch_size": int(fits[1])} if fits else {}
        values |= {"cause": "memory", "change": change}
    if rate := re.search(r"learning rate [0-9.e-]+\); try ([0-9.e-]*[0-9])", message):
        values |= {"cause": "not a number", "change": {"training.learning_rate": float(rate[1])}}
    if "\n- device:" in message:
        values["change"] = {"device": "auto"}
    return values
