"""Options that several commands share, and commands whose options set the knobs of a config."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from kdcore.catalog import SIZES
from kdcore.cli.kit.answer import show
from kdcore.cli.kit.settings import Settings
from kdcore.config import read_settings, to_dict, to_yaml
from kdcore.experiments.options import KnobOption, flag_of

Config = TypeVar("Config")
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress on stderr")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout, nothing else")]
RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="a run's id, its beginning, or its folder")
]
_MODELS = f"a name from `kdlab students`, a size ({', '.join(SIZES)}), knobs after a "
_MODELS += "colon (twinbert_cos:layers=4,hidden=256), the folder of a pretrained encoder, or two "
_MODELS += "towers that start from one (twinbert_cos:from=FOLDER)"


@dataclass(frozen=True)
class Setting:
    """An option that sets values of a config at some paths; a required one is an argument."""

    paths: tuple[str, ...]
    annotation: Any
    required: bool = False


def knob_option(name: str, option: KnobOption) -> Any:
    """A typer option with the help, the range and the default of its knob."""
    knob = option.knob
    text, default = knob.metadata.get("help", ""), option.default or str(knob.default) or "empty"
    if "low" in knob.metadata:
        text += f" ({knob.metadata['low']:,} to {knob.metadata['high']:,}; default {default})"
    elif "options" in knob.metadata:
        text += f" (one of {', '.join(knob.metadata['options'])}; default {default})"
    else:
        text += f" (default {default})"
    flags = (flag_of(name), option.short) if option.short else (flag_of(name),)
    return typer.Option(*flags, help=option.help or text, rich_help_panel=option.panel or None)


def knob_setting(name: str, option: KnobOption, paths: tuple[str, ...] = ()) -> Setting:
    """An option that sets its knob; paths: instead of the knob's own."""
    kind: Any = type(option.knob.default)
    declared = knob_option(name, option)
    return Setting(paths or (option.path,), Annotated[kind | None, declared])


def knob_settings(options: Mapping[str, KnobOption]) -> dict[str, Setting]:
    """The options of a stage."""
    return {name: knob_setting(name, option) for name, option in options.items()}


def model_setting(name: str, role: str, default: str) -> Setting:
    """An option for a model as a short text."""
    text = f"{role}: {_MODELS} (default {default})"
    declared = typer.Option(flag_of(name), metavar="MODEL", help=text, rich_help_panel="Model")
    return Setting((name,), Annotated[str | None, declared])


def teacher_setting() -> Setting:
    """The option for the teacher."""
    text = (
        "the teacher: a run; ensemble:RUN+RUN, several runs together; file:PATH, scores from "
        "elsewhere; peer:STUDENT, students that learn beside it; born_again or ema, the student "
        "itself; `kdlab methods` lists them"
    )
    declared = typer.Option("--teacher", metavar="TEACHER", help=text)
    return Setting(("teacher",), Annotated[str | None, declared])


_CONFIG_FILE = typer.Option(
    "--config", "-c", metavar="FILE", help="settings from a YAML file; options win over it"
)
_SETS = typer.Option(
    "--set",
    metavar="KEY=VALUE",
    help="any knob by its path, again and again: --set seed=7; --print-config shows all "
    "knobs, and a dot leads into a group",
)
_PRINT = typer.Option("--print-config", help="print the settings as YAML and do nothing")
_SHARED: dict[str, tuple[Any, Any]] = {
    "config": (Annotated[Path | None, _CONFIG_FILE], None),
    "sets": (Annotated[list[str] | None, _SETS], None),
    "print_config": (Annotated[bool, _PRINT], False),
    "quiet": (Quiet, False),
    "as_json": (Json, False),
}


@dataclass(frozen=True)
class Given:
    """The options given to a command: settings of its config, and how it prints."""

    values: Mapping[str, Any]
    places: Mapping[str, tuple[str, ...]]
    print_config: bool
    quiet: bool
    as_json: bool

    def settings(self, kind: type[Config], start: Mapping[str, Any]) -> Settings[Config]:
        """Start, then --config, then the given options, then --set: each wins over those before."""
        settings = Settings(kind)
        settings.overlay(start)
        if self.values.get("config") is not None:
            settings.overlay(read_settings(self.values["config"]))
        for option, paths in self.places.items():
            if self.values.get(option) is not None:
                for path in paths:
                    settings.put(path.split("."), self.values[option])
        settings.assign(self.values.get("sets") or ())
        return settings

    def printed(self, config: Any) -> bool:
        """Print the config where --print-config asks for that instead of the work."""
        if self.print_config:
            show(self.as_json, to_dict(config), to_yaml(config).rstrip("\n"))
        return self.print_config


def configured(
    order: str, settings: Mapping[str, Setting]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose options set knobs; the function gets them as a `Given`.

    order: the names of its options as --help lists them: settings, the function's own parameters,
    `config` (a file) and `sets`. --print-config, --quiet and --json follow.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(list(inspect.signature(function).parameters.items())[1:])
        parameters = [
            own[name].replace(kind=inspect.Parameter.KEYWORD_ONLY)
            if name in own
            else _parameter(name, settings)
            for name in [*order.split(), "print_config", "quiet", "as_json"]
        ]

        def command(**values: Any) -> None:
            mine = {name: values[name] for name in own}
            shown = (values[name] for name in ("print_config", "quiet", "as_json"))
            places = {name: setting.paths for name, setting in settings.items()}
            function(Given(values, places, *shown), **mine)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def _parameter(name: str, settings: Mapping[str, Setting]) -> inspect.Parameter:
    annotation, default = _SHARED.get(name, (None, None))
    if name in settings:
        annotation = settings[name].annotation
        default = inspect.Parameter.empty if settings[name].required else None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)
