"""The terms of a loss written as a list."""

from collections.abc import Mapping
from typing import Any

from kdcore.config.groups import TermConfig, check, numbered
from kdcore.errors import ConfigError
from kdcore.knobs import build, plain


def with_named_terms(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings whose `terms` are a list, the whole soft loss, in the form that is written.

    The first of the list becomes method and soft_weight, the others become terms by name. Other
    settings are returned as they are. Each is a group (method, weight, params) or a short text.
    """
    if not isinstance(data.get("terms"), list):
        return data
    problems = [
        f"{key}: is the first of the terms when they are a list; write one of the two"
        for key in ("method", "soft_weight")
        if key in data
    ]
    terms = []
    for place, item in enumerate(data["terms"]):
        try:
            terms.append(_term(item))
        except ConfigError as error:
            problems += [f"terms.{place}.{problem}" for problem in error.problems]
    check(problems)
    rest = {key: value for key, value in data.items() if key != "terms"}
    if not terms:
        return rest
    first = terms[0]
    others = numbered(terms[1:], list(data.get("schedules") or ()))
    method = {"name": first.method, "params": plain(first.params)}
    named = {t.name: {"weight": t.weight, "params": plain(t.params)} for t in others}
    return {**rest, "method": method, "soft_weight": first.weight, "terms": named}


def _term(item: Any) -> TermConfig:
    if isinstance(item, str):
        return TermConfig.parse(item)
    if not isinstance(item, Mapping) or "method" not in item or "name" in item:
        raise ConfigError("This term cannot be used:", ["method: name it, with weight and params"])
    return build(TermConfig, {("name" if k == "method" else k): v for k, v in item.items()})
