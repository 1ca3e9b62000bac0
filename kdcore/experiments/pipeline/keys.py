"""What decides the result of a stage, as one hash, and the earlier runs that have it.

The hash covers the stage's config, the pairs of every split, the weights of the models that it
reads and the version of the code. It leaves out the device, the
threads, and how a training is watched and stored.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kdcore.config import UNSEEN_BY_THE_MODEL, FinetuneConfig, StageConfig
from kdcore.data.names import pairs_of
from kdcore.experiments.estimate.data_stats import file_stamps
from kdcore.experiments.pipeline.stages import Stage
from kdcore.judging.caveats import early
from kdcore.predictions import model_hash
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

CODE = 1  # raised when a stage gives other results for the same settings
_ELSEWHERE = ("device", "threads")
# a run in one of these states serves a stage; the best is tried first
_ORDER = ("finished", "running", "queued", "stopped", "lost", "failed")


def key_of(stage: Stage, runs: Mapping[str, Run], workspace: Workspace) -> str:
    """24 hex digits for a stage whose inputs are finished; DataError when its data are not there.

    runs: the finished runs of the stages that it reads.
    """
    models = {name: model_hash(runs[name].model_folder) for name in stage.inputs.values()}
    settings = stage.filled(models)
    if isinstance(training := settings.get("training"), Mapping):
        seen = {k: v for k, v in training.items() if k not in UNSEEN_BY_THE_MODEL}
        settings["training"] = seen
    facts: dict[str, Any] = {
        "settings": {k: v for k, v in settings.items() if k not in _ELSEWHERE},
        "pairs": data_hashes(stage.config, workspace),
        "code": [version("kdlab"), CODE],
    }
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def data_hashes(config: StageConfig, workspace: Workspace) -> dict[str, str]:
    """The content hash of each split of a stage's pairs, computed once until the files change."""
    stamps = file_stamps(config.data, workspace)
    return dict(_hashes(config.data, config.limit, str(workspace.root), stamps))


@lru_cache(maxsize=16)
def _hashes(
    data: str, limit: int, root: str, stamps: tuple[tuple[int, int], ...]
) -> tuple[tuple[str, str], ...]:
    pairs = pairs_of(FinetuneConfig(data=data, limit=limit), Workspace(Path(root)))
    return tuple((split, pairs.split(split).content_hash) for split in pairs.splits)


def run_of_key(key: str, workspace: Workspace) -> Run | None:
    """The run that has this result or is closest to it; None when one has to be created.

    A run that was ended early is never taken.
    """
    serving = []
    for run in RunStore(workspace.runs).list():
        state = run.status().state if run.purpose.key == key else ""
        if state in _ORDER and not (state == "finished" and early(run)):
            serving.append((_ORDER.index(state), run))
    return min(serving, key=lambda each: each[0])[1] if serving else None
