"""The command line that makes a run again, with every setting that is not the default."""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from kdcore.catalog import SIZES, STUDENTS, student_entry
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MethodConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    StageConfig,
    TeachConfig,
    TermConfig,
)
from kdcore.config.groups import numbered, short_name
from kdcore.errors import ConfigError
from kdcore.experiments.changes import flat
from kdcore.experiments.options import STAGES, flag_of
from kdcore.knobs import plain
from kdcore.runs.store import BUNDLED
from kdcore.workspace import Workspace
from kdcore.yaml_text import assigned

# every setting without an option is given by --set
OPTIONS = {
    stage: {option.path: flag_of(name) for name, option in options.items()}
    for stage, options in STAGES.items()
}


def command_of(config: StageConfig) -> str:
    """`kdlab distill --teacher ...`: what a shell takes for an equal config.

    Data and limit are always written, as a command would else take those of the teacher.
    """
    return shlex.join(["kdlab", config.stage, *arguments_of(config)])


def arguments_of(config: StageConfig) -> list[str]:
    """The words after `kdlab STAGE`."""
    data = ["--data", config.data, "--limit", str(config.limit)]
    if isinstance(config, InferConfig):
        splits = [word for split in config.splits for word in ("--split", split)]
        rest = _rest(config, InferConfig(run=config.run), {"run", "splits"})
        return [_run_name(config.run), *data, *splits, *rest]
    default: StageConfig
    if isinstance(config, DistillConfig):
        words = ["--teacher", config.teaching.renamed(_run_name).text]
        words += _model("student", config.student) + _terms(config)
        default = DistillConfig(
            teacher=config.teacher,
            student=config.student,
            method=MethodConfig(name=config.method.name),
            terms=config.terms,
        )
    elif isinstance(config, TeachConfig):
        words = ["--model", config.model.checkpoint, *(["--calibrate"] * config.calibrate)]
        words += _ready(config.model)
        default = TeachConfig(model=config.model, calibrate=config.calibrate)
    elif isinstance(config, MultitaskConfig):
        words = _model("model", config.model)
        words += [word for task in config.tasks for word in ("--task", task.spec)]
        default = MultitaskConfig(model=config.model, tasks=config.tasks)
    else:
        words = _model("model", config.model)
        kind = PretrainConfig if isinstance(config, PretrainConfig) else FinetuneConfig
        default = kind(model=config.model)
    return [*words, *data, *_rest(config, default, {"teacher"})]


def model_of(model: Mapping[str, Any]) -> str:
    """The short text that names the model of a config again, as --model takes it."""
    name, params = str(model.get("name", "")), model.get("params") or {}
    checkpoint = str(model.get("checkpoint") or "")
    if name in ("checkpoint", "ready") and checkpoint:
        return checkpoint
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
    if checkpoint:
        name = short_name(name)
        changed = {"from": checkpoint} | changed
    text = ",".join(f"{key}={assigned(value)}" for key, value in changed.items())
    return f"{name}:{text}" if text else name


def _run_name(reference: str) -> str:
    """A run as a command names it: one of the bundled demo without the folder of this machine."""
    path = Path(reference)
    inside = path.is_absolute() and path.parent == Workspace.bundled().runs
    return f"{BUNDLED}{path.name}" if inside else reference


def _model(role: str, model: ModelConfig) -> list[str]:
    """`--student NAME:knob=value`; what starts from a pretrained encoder is given by --set."""
    usual, given = plain(STUDENTS[model.name].params()), plain(model.params)
    knobs = {key: value for key, value in given.items() if usual[key] != value}
    start = {"start_from": model.start_from, "layers_from": list(model.layers_from)}
    start = {key: value for key, value in start.items() if value}
    if model.is_pretrained:
        params = {f"params.{key}": value for key, value in knobs.items()}
        encoder = {"name": model.name, "checkpoint": model.checkpoint, **params, **start}
        return _sets({f"{role}.{key}": value for key, value in encoder.items()})
    text = ",".join(f"{key}={_text(value)}" for key, value in knobs.items())
    spec = f"{model.name}:{text}" if text else model.name
    return [f"--{role}", spec, *_sets({f"{role}.{key}": value for key, value in start.items()})]


def _ready(model: ModelConfig) -> list[str]:
    """How a ready classifier reads a pair, where it is not what its own files say."""
    usual = plain(student_entry(model.name).params())
    knobs = {f"model.params.{k}": v for k, v in plain(model.params).items() if v != usual[k]}
    options = OPTIONS["teach"]
    named = [
        word for path in knobs if path in options for word in (options[path], str(knobs[path]))
    ]
    return named + _sets({path: v for path, v in knobs.items() if path not in options})


def _terms(config: DistillConfig) -> list[str]:
    """`--method` where it is not the usual one, and `--term NAME:knob=value` for the other terms.

    Where a short text would be read otherwise (a comma in a list of layers), --set gives them all.
    """
    usual = MethodConfig().name
    words = [] if config.method.name == usual else ["--method", config.method.name]
    with suppress(ConfigError, yaml.YAMLError):
        if numbered(TermConfig.parse(term.spec) for term in config.terms) == config.terms:
            return words + [word for term in config.terms for word in ("--term", term.spec)]
    paths = {path: value for path, value in flat(config).items() if path.startswith("terms.")}
    return words + _sets(paths)


def _rest(config: StageConfig, default: StageConfig, named: set[str]) -> list[str]:
    """Options and --set for all that differs from the default, but for the settings `named`."""
    options, words = OPTIONS[config.stage], []
    defaults, left = flat(default), {}
    for path, value in flat(config).items():
        if path in named | {"data", "limit", "stage"}:
            continue
        if path.partition(".")[0] in ("model", "student") or defaults.get(path) == value:
            continue
        if path in options:
            words += [options[path], _text(value)]
        else:
            left[path] = value
    return words + _sets(left)


def _sets(values: Mapping[str, Any]) -> list[str]:
    """`--set path=value` for each; quoted where a text would else become a number or a truth."""
    texts = {
        path: str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).split("\n")[0]
        for path, value in values.items()
    }
    return [word for path, text in texts.items() for word in ("--set", f"{path}={text}")]


def _text(value: Any) -> str:
    """As an option takes it; repr of a number loses nothing."""
    return str(value).lower() if isinstance(value, bool) else str(value)
