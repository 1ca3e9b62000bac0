"""What runs have in common: their setting but for the seed, and the budget of a training."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# how a training is looked at and kept, not what is learned
UNSEEN_BY_THE_MODEL = ("checkpoint_seconds", "replay_points", "log_every")
_WHERE = ("device", "threads")  # where a run was computed is no difference
_SHARED = ("data", "limit", "seed")


def setting_of(config: Mapping[str, Any]) -> str:
    """A text that is equal for configs that are equal but for the seed."""
    rest = {k: v for k, v in config.items() if k != "seed" and k not in _WHERE}
    return json.dumps(rest, sort_keys=True, default=str)


def budget_of(config: Mapping[str, Any]) -> str:
    """A hash that a student and a twin of as many epochs share: model, data, seed, schedule.

    A mark for grouping only: what a twin is, kdcore.runs.twins tells.
    """
    spent = {name: config.get(name) for name in _SHARED}
    spent["model"] = config.get("student") or config.get("model")
    training = config.get("training")
    if isinstance(training, Mapping):
        training = {k: v for k, v in training.items() if k not in UNSEEN_BY_THE_MODEL}
    spent["training"] = training
    return hashlib.sha256(json.dumps(spent, sort_keys=True, default=str).encode()).hexdigest()[:16]
