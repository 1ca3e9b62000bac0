"""Settings: a file, options and --set become one config, with every problem told at once."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import typer
import yaml

from kdcore.catalog import SIZES, ResponseParams
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    TrainingConfig,
    read_settings,
    to_dict,
    to_yaml,
)
from kdcore.errors import ConfigError
from kdcore.experiments.changes import put
from kdcore.knobs import build
from kdcore.yaml_text import read_yaml

Config = TypeVar("Config")


def of(kind: type, name: str, *flags: str, panel: str = "", default: str = "") -> Any:
    """An option for a knob; help, range and default are those that the knob was declared with.

    default: how it is told, where a command may take it from somewhere else.
    """
    spec = next(spec for spec in fields(kind) if spec.name == name)
    rule, default = spec.metadata, default or str(spec.default) or "empty"
    said = rule["help"]
    if "low" in rule:
        said += f" ({rule['low']:,} to {rule['high']:,}; default {default})"
    elif "options" in rule:
        said += f" (one of {', '.join(rule['options'])}; default {default})"
    else:
        said += f" (default {default})"
    flag = "--" + name.replace("_", "-")
    return typer.Option(*(flags or (flag,)), help=said, rich_help_panel=panel or None)


_MODELS = f"a name from `kdlab students`, a size ({', '.join(SIZES)}), knobs after a "
_MODELS += "colon (twinbert_cos:layers=4,hidden=256), or the folder of a pretrained encoder"
_OF_SOURCE = "that of the run it starts from, where there is one, else "  # infer and distill


def model_option(flag: str, role: str, default: str) -> Any:
    """An option for a model's short text."""
    said = f"{role}: {_MODELS} (default {default})"
    return typer.Option(flag, metavar="MODEL", help=said, rich_help_panel="Model")


Data = Annotated[
    str | None, of(FinetuneConfig, "data", "--data", "-d", default=_OF_SOURCE + "world")
]
Limit = Annotated[int | None, of(FinetuneConfig, "limit", default=_OF_SOURCE + "0")]
Seed = Annotated[int | None, of(FinetuneConfig, "seed")]
Device = Annotated[str | None, of(FinetuneConfig, "device")]
Threads = Annotated[int | None, of(FinetuneConfig, "threads")]
Epochs = Annotated[int | None, of(TrainingConfig, "epochs", panel="Training")]
BatchSize = Annotated[int | None, of(TrainingConfig, "batch_size", panel="Training")]
LearningRate = Annotated[float | None, of(TrainingConfig, "learning_rate", panel="Training")]
HardLoss = Annotated[str | None, of(FinetuneConfig, "loss", panel="Training")]
Smoothing = Annotated[float | None, of(FinetuneConfig, "label_smoothing", panel="Training")]
AskedAtOnce = Annotated[int | None, of(InferConfig, "batch_size")]
SoftLoss = Annotated[str | None, of(ResponseParams, "loss", panel="Distillation")]
Temperature = Annotated[float | None, of(ResponseParams, "temperature", panel="Distillation")]
SoftWeight = Annotated[float | None, of(DistillConfig, "soft_weight", panel="Distillation")]
HardWeight = Annotated[float | None, of(DistillConfig, "hard_weight", panel="Distillation")]
Transfer = Annotated[str | None, of(DistillConfig, "transfer", panel="Distillation")]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="a name from `kdlab methods` (default response)",
        rich_help_panel="Distillation",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="settings from a YAML file; options win over it"
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="any knob by its path, again and again: --set seed=7; --print-config shows all "
        "knobs, and a dot leads into a group",
    ),
]
PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="print the settings as YAML and do nothing")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress on stderr")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout, nothing else")]

COMMON = {name: (name,) for name in ("data", "limit", "seed", "device", "threads")}
TRAINING = {name: (f"training.{name}",) for name in ("epochs", "batch_size", "learning_rate")}
DISTILLING = {
    "method": ("method.name",),
    "loss": ("method.params.loss",),
    "temperature": ("method.params.temperature",),
    "soft_weight": ("soft_weight",),
    "hard_weight": ("hard_weight",),
    "transfer": ("transfer",),
}


class Settings(Generic[Config]):
    """Plain data on its way to a config: each source writes over those before it.

    A model may be a short text anywhere. A group that gets another `name` (of a model, of a
    method) forgets the knobs of the one before.
    """

    def __init__(self, kind: type[Config], start: Mapping[str, Any]) -> None:
        self.kind = kind
        self.values: dict[str, Any] = {}
        self.problems: list[str] = []
        hints = get_type_hints(kind)
        self._models = {name for name, hint in hints.items() if hint is ModelConfig}
        self._overlay((), start)

    @classmethod
    def gather(
        cls,
        kind: type[Config],
        start: Mapping[str, Any],
        context: typer.Context,
        places: Mapping[str, tuple[str, ...]],
    ) -> "Settings[Config]":
        """Start, then --config, then the options in `places` that were given, then --set."""
        settings = cls(kind, start)
        params = context.params
        if params.get("config") is not None:
            settings._overlay((), read_settings(params["config"]))
        for option, paths in places.items():
            if params.get(option) is not None:
                for path in paths:
                    settings.put(path.split("."), params[option])
        settings.assign(params.get("sets") or ())
        return settings

    def assign(self, sets: Sequence[str]) -> None:
        """Take `key=value` texts; the value is read as YAML."""
        for text in sets:
            path, sign, value = text.partition("=")
            if not sign or not path:
                self.problems.append(f"--set {text}: write key=value")
                continue
            try:
                self.put(path.strip().split("."), read_yaml(value))
            except yaml.YAMLError:
                self.put(path.strip().split("."), value)

    def put(self, path: Sequence[str], value: Any) -> None:
        """Write one value at its path."""
        if len(path) == 1 and path[0] in self._models and isinstance(value, str):
            value = self._model(path[0], value)
            if value is None:
                return
        put(self.values, path, value)

    def build(self) -> Config:
        """The config, or ConfigError with the problems of every source."""
        try:
            made = build(self.kind, self.values)
        except ConfigError as error:
            raise ConfigError(error.headline, [*self.problems, *error.problems]) from None
        if self.problems:
            raise ConfigError("These settings cannot be used:", self.problems)
        return made

    def _overlay(self, path: tuple[str, ...], changes: Mapping[str, Any]) -> None:
        for key in sorted(changes, key=lambda key: key != "name"):  # a name clears old knobs
            value, place = changes[key], (*path, str(key))
            if isinstance(value, Mapping) and value:
                self._overlay(place, value)
            else:
                self.put(place, value)

    def _model(self, name: str, spec: str) -> dict[str, Any] | None:
        try:
            return to_dict(ModelConfig.parse(spec))
        except ConfigError as error:
            self.problems += [f"{name}.{problem}" for problem in error.problems]
        except yaml.YAMLError:
            self.problems.append(f"{name}: {spec!r} cannot be read; write name:knob=value")
        return None


def printed(config: Any, wanted: bool, as_json: bool) -> bool:
    """Whether the settings were requested instead of the work; then they are printed here."""
    from kdcore.cli.kit.answer import show

    if wanted:
        show(as_json, to_dict(config), to_yaml(config).rstrip("\n"))
    return wanted
