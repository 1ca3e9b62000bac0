"""The command line that makes a run again: the very one, with every setting that is not usual."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kdcore.catalog import SIZES, STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, InferConfig, ModelConfig, StageConfig
from kdcore.experiments.changes import flat
from kdcore.experiments.options import STAGES, flag_of
from kdcore.knobs import plain
from kdcore.runs.store import BUNDLED
from kdcore.workspace import Workspace

# every setting without an option is given by --set
OPTIONS = {
    stage: {option.path: flag_of(name) for name, option in options.items()}
    for stage, options in STAGES.items()
}


def command_of(config: StageConfig) -> str:
    """`kdlab distill --teacher ...`: what a shell is given for an equal config.

    Data and limit are always told, as a command would else take those of the teacher.
    """
    return shlex.join(["kdlab", config.stage, *arguments_of(config)])


def arguments_of(config: StageConfig) -> list[str]:
    """The words after `kdlab STAGE`."""
    given = ["--data", config.data, "--limit", str(config.limit)]
    if isinstance(config, InferConfig):
        splits = [word for split in config.splits for word in ("--split", split)]
        usual: StageConfig = InferConfig(run=config.run)
        rest = _rest(config, usual, {"run", "splits", "data", "limit", "stage"})
        return [_run_name(config.run), *given, *splits, *rest]
    if isinstance(config, DistillConfig):
        words = ["--teacher", _run_name(config.teacher), *_model("student", config.student)]
        usual = DistillConfig(teacher=config.teacher, student=config.student)
    else:
        words = _model("model", config.model)
        usual = FinetuneConfig(model=config.model)
    told = {"teacher", "data", "limit", "stage"}
    return [*words, *given, *_rest(config, usual, told)]


def model_of(model: Mapping[str, Any]) -> str:
    """The short text that names the model of a config again, as --model takes it."""
    name, params = str(model.get("name", "")), model.get("params") or {}
    if model.get("checkpoint"):
        return str(model["checkpoint"])
    if name not in STUDENTS:
        return name
    defaults = plain(STUDENTS[name].params())
    changed = {key: value for key, value in params.items() if defaults.get(key) != value}
    for size, knobs in SIZES.items() if name == "bert" else ():
        full = defaults | knobs
        if all(params.get(key) == full[key] for key in knobs):
            name = size
            changed = {key: value for key, value in params.items() if full.get(key) != value}
            break
    tail = ",".join(f"{key}={value}" for key, value in changed.items())
    return f"{name}:{tail}" if tail else name


def _run_name(reference: str) -> str:
    """A run as a command names it: one of the bundled demo without the folder of this machine."""
    path = Path(reference)
    inside = path.is_absolute() and path.parent == Workspace.bundled().runs
    return f"{BUNDLED}{path.name}" if inside else reference


def _model(role: str, model: ModelConfig) -> list[str]:
    """`--student NAME:knob=value`; a pretrained encoder's words are options of their own."""
    if model.name == "checkpoint":
        pairs = {"name": model.name, "checkpoint": model.checkpoint} | _knobs(model, "params.")
        return _sets({f"{role}.{key}": value for key, value in _started(pairs, model).items()})
    knobs = ",".join(f"{key}={_text(value)}" for key, value in _knobs(model).items())
    spec = f"{model.name}:{knobs}" if knobs else model.name
    return [f"--{role}", spec, *_sets({f"{role}.{k}": v for k, v in _started({}, model).items()})]


def _started(pairs: Mapping[str, Any], model: ModelConfig) -> dict[str, Any]:
    return dict(pairs) | ({"start_from": model.start_from} if model.start_from else {})


def _knobs(model: ModelConfig, before: str = "") -> dict[str, Any]:
    """The knobs that are not the usual ones of this kind of model."""
    usual = plain(STUDENTS[model.name].params())
    given = plain(model.params)
    return {before + key: value for key, value in given.items() if usual[key] != value}


def _rest(config: StageConfig, usual: StageConfig, told: set[str]) -> list[str]:
    """Options and --set for all that differs from what the command would take by itself."""
    options, words = OPTIONS[config.stage], []
    before, after = flat(usual), flat(config)
    left = {}
    for path, value in after.items():
        if path in told or path.partition(".")[0] in ("model", "student"):
            continue
        if before.get(path) == value:
            continue
        if path in options:
            words += [options[path], _text(value)]
        else:
            left[path] = value
    return words + _sets(left)


def _sets(values: Mapping[str, Any]) -> list[str]:
    return [word for path, v in values.items() for word in ("--set", f"{path}={_yaml(v)}")]


def _text(value: Any) -> str:
    """As an option takes it; repr of a number loses nothing."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _yaml(value: Any) -> str:
    """As --set reads it: quoted where a text would else become a number or a truth."""
    return str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).split("\n")[0]
