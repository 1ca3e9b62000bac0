"""Settings: a file, options and --set become one config, or one list of all problems."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, get_type_hints

import yaml

from kdcore.config import ModelConfig, TaskConfig, TermConfig, with_named_tasks, with_named_terms
from kdcore.config.groups import numbered
from kdcore.errors import ConfigError
from kdcore.experiments.changes import build_all, put, read_model
from kdcore.knobs import plain
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
        changes = changes if path else with_named_tasks(with_named_terms(changes))
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
        if list(path) == ["terms"] and isinstance(value, list):  # of short texts, from --term
            self._put_terms(value)
        elif list(path) == ["tasks"] and isinstance(value, list):  # of short texts, from --task
            self._put_tasks(value)
        else:
            put(self.values, path, value)

    def _put_terms(self, specs: Sequence[Any]) -> None:
        terms = []
        for spec in specs:
            try:
                terms.append(TermConfig.parse(str(spec)))
            except ConfigError as error:
                self.problems += [f"--term {spec}: {problem}" for problem in error.problems]
            except yaml.YAMLError:
                self.problems.append(f"--term {spec}: cannot be read; write NAME:knob=value")
        for term in numbered(terms):
            group = {"weight": term.weight, "params": plain(term.params)}
            put(self.values, ["terms", term.name], group)

    def _put_tasks(self, specs: Sequence[Any]) -> None:
        for spec in specs:
            try:
                task = TaskConfig.parse(str(spec))
            except ConfigError as error:
                self.problems += [f"--task {spec}: {problem}" for problem in error.problems]
            except yaml.YAMLError:
                self.problems.append(f"--task {spec}: cannot be read; write NAME:weight=value")
            else:
                put(self.values, ["tasks", task.name], {"weight": task.weight})

    def build(self) -> Config:
        """The config, or ConfigError with the problems of every source."""
        return build_all(self.kind, self.values, self.problems)
