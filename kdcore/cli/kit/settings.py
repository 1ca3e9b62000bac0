"""Settings: a file, options and --set become one config, or one list of all problems."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, get_type_hints

import yaml

from kdcore.config import ModelConfig
from kdcore.experiments.changes import build_all, put, read_model
from kdcore.yaml_text import read_yaml

Config = TypeVar("Config")


class Settings(Generic[Config]):
    """Plain data on its way to a config: each source writes over those before it.

    A model may be a short text anywhere. A group that gets another `name` (of a model, of a
    method) forgets the knobs of the one before.
    """

    def __init__(self, kind: type[Config]) -> None:
        self.kind = kind
        self.values: dict[str, Any] = {}
        self.problems: list[str] = []
        hints = get_type_hints(kind)
        self._models = {name for name, hint in hints.items() if hint is ModelConfig}

    def overlay(self, changes: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
        """Write every value of a file or another group of settings, below a path."""
        for key in sorted(changes, key=lambda key: key != "name"):  # a name clears old knobs
            value, place = changes[key], (*path, str(key))
            if isinstance(value, Mapping) and value:
                self.overlay(value, place)
            else:
                self.put(place, value)

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
            value = read_model(path[0], value, self.problems)
            if value is None:
                return
        put(self.values, path, value)

    def build(self) -> Config:
        """The config, or ConfigError with the problems of every source."""
        return build_all(self.kind, self.values, self.problems)
