"""Settings: a file, options and --set become one config, or one list of all problems."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, get_type_hints

import yaml

from kdcore.config import ModelConfig, read_settings, to_dict
from kdcore.errors import ConfigError
from kdcore.experiments.changes import put
from kdcore.knobs import build
from kdcore.yaml_text import read_yaml

Config = TypeVar("Config")


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
        values: Mapping[str, Any],
        places: Mapping[str, tuple[str, ...]],
    ) -> "Settings[Config]":
        """Start, then --config, then the options in `places` that were given, then --set."""
        settings = cls(kind, start)
        if values.get("config") is not None:
            settings._overlay((), read_settings(values["config"]))
        for option, paths in places.items():
            if values.get(option) is not None:
                for path in paths:
                    settings.put(path.split("."), values[option])
        settings.assign(values.get("sets") or ())
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
