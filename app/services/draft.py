"""The distillation that a visitor is about to start: a preset, and what was changed of it.

Form, YAML and link are three views of the same two State fields, `preset` and `settings`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from app import state
from app.kit.by_hash import by_hash
from app.kit.forms import problems_by_path, value_at
from app.services import access, score_files
from app.services.boards import chosen_data, refuse_other_data
from app.services.links import decode as decode
from app.services.links import encode as encode
from app.services.runs import shards
from app.services.runs.names import named, names
from app.services.scoring import Model, models
from kdcore.config import DistillConfig, TeacherConfig, from_dict, to_dict
from kdcore.config.teacher import without_folders
from kdcore.errors import ConfigError, LabError, about_settings, lookup
from kdcore.experiments.changes import ABSENT, of_size
from kdcore.experiments.presets import PRESETS, TEACHER, changed_from, config_of
from kdcore.runs.store import Run, RunStore

FIRST = next(iter(PRESETS))
LONGEST = 3_000  # characters of State.settings
FROM_BOARD = ("teacher", "data")  # what a draft takes from the board unless it says so itself
Changed = dict[str, Any]
RANKING: Changed = {"method.name": "ranking"}
Config = TypeVar("Config")


@dataclass(frozen=True)
class Planned(Generic[Config]):
    """What would be run. values: the whole config as plain data, wrong values included.

    changed: settings by path that differ from the preset; config: None while problems remain,
    a sentence each that begins with the path it is about.
    """

    preset: str
    changed: Changed
    values: dict[str, Any]
    config: Config | None
    problems: tuple[str, ...] = ()

    def at(self, path: str) -> Any:
        """The value at a path, or None."""
        return value_at(self.values, path)

    def problems_by_path(self) -> dict[str, list[str]]:
        """The problems by the path of each setting that they name, without that path."""
        return problems_by_path(self.problems)


Draft = Planned[DistillConfig]


def draft() -> Draft:
    """What the present state would run."""
    preset = state.now().distill.preset
    if preset not in PRESETS:
        state.ignore(f"preset: none is called {preset[:40]!r}; {PRESETS[FIRST].title} is shown")
        state.correct(distill={"preset": FIRST})
    now = state.now().distill
    if not now.settings and (changed := _suited(now.preset, {})):
        state.correct(distill={"settings": encode(changed)})
        return draft_of(now.preset, changed)
    return draft_of(now.preset, decode(now.settings))


def draft_of(preset: str, changed: Mapping[str, Any]) -> Draft:
    """A preset with some changes, checked; what is wrong stays to be seen and mended."""
    try:
        config = _config(preset, changed)
        misfits = score_files.misfits(config, _key(config.teacher), teachers())
        if misfits := misfits or shards.misfits(config):
            return Draft(preset, dict(changed), _shown(config), None, misfits)
        return Draft(preset, dict(changed), _shown(config), config)
    except ConfigError as error:
        problems = error.problems or (str(error),)
    values = _shown(_nearest(preset, changed, problems))
    for path, value in changed.items():
        _put(values, path.split("."), value)
    return Draft(preset, dict(changed), values, None, tuple(problems))


def take(path: str, value: Any) -> None:
    """Change one setting of the draft; what equals the preset again is no change."""
    change({path: value}, path.removesuffix("name") if path.endswith(".name") else "", path)


def remove(group: str, name: str) -> None:
    """Take a term or a schedule out; where the preset has it, a setting says that it is gone.

    A schedule of a removed term goes with it.
    """
    if group == "terms":
        remove("schedules", name)
    path, (knob, value) = f"{group}.{name}.", ABSENT[group]
    change({}, path, group)
    if draft().at(path.rstrip(".")) is not None:
        change({f"{path}{knob}": value}, path, group)


def take_student(spec: str) -> None:
    """Another student of the catalog, or a named size of one; it starts from its own knobs."""
    change(of_size(spec, "student"), "student.", "student")


def change(
    settings: Changed, group: str | tuple[str, ...], label: str, pinned: Sequence[str] = ()
) -> None:
    """Change settings; the rest of their group is reset. The draft stays where no link holds it.

    group: beginnings of paths. pinned: settings that stand in the link in any case.
    """
    now = draft()
    others = {p: v for p, v in now.changed.items() if not (group and p.startswith(group))}
    pinned = [*pinned, *(n for n in FROM_BOARD if n in others and n not in settings)]
    try:
        text = _fitting(_lean(now.preset, others | settings, pinned))
    except ConfigError as error:
        state.ignore(f"{label}: {about_settings(error.problems[0])[1]}")
    else:
        state.change(distill={"settings": text})


def take_config(config: DistillConfig) -> None:
    """Let a whole config become the draft, as changes of the present preset.

    Its teacher and data stand in it even where the board has the same now: the board may change.
    """
    state.change(distill={"settings": _fitting(_differing(draft().preset, config, FROM_BOARD))})


def prefill(run: Run, changed: Mapping[str, Any] | None = None) -> None:
    """Let the settings of a run, some of them changed, become the draft: nothing is started."""
    preset = run.purpose.preset if run.purpose.preset in PRESETS else FIRST
    config = run.config
    if not isinstance(config, DistillConfig):
        raise ConfigError(f"{run.id} is no distillation, so it cannot be tried again here")
    whole = {**_differing(preset, config, FROM_BOARD), **(changed or {})}
    fitting = _fitting(_lean(preset, whole, FROM_BOARD))
    state.change(distill={"preset": preset, "settings": fitting, "mode": "form"})


def beyond(now: Draft) -> Changed:
    """What was changed of the preset; not what merely pins the board's teacher and data."""
    fixed = {"data": draft_of(now.preset, {}).at("data")} | _from_board(now.preset)
    return {p: v for p, v in now.changed.items() if p not in FROM_BOARD or fixed.get(p) != v}


def adopt(teacher: str, **more: Any) -> None:
    """Let a run that has just been trained teach; no entry of the history. more: other choices."""
    teachers.clear()
    now = draft()
    text = _fitting(_lean(now.preset, now.changed | {"teacher": teacher, "from_shards": False}, ()))
    state.correct(distill={"settings": text, **more})


def fill(changed: Changed) -> None:
    """Let the first preset with these settings be the draft of the page that is opened next."""
    teachers.clear()  # the one that is named may have just been made
    text = _fitting(_lean(FIRST, _suited(FIRST, changed), ()))
    state.correct(distill={"preset": FIRST, "settings": text, "mode": "form"})


def _fitting(changed: Changed) -> str:
    text = encode(changed)
    if len(text) > LONGEST:
        problem = f"settings: {len(text):,} characters do not fit into a link; {LONGEST:,} do"
        raise ConfigError("These settings are too long:", [problem])
    return text


def read_yaml(data: Any) -> DistillConfig:
    """A config from the parsed YAML of the edit box; ConfigError with every problem at once."""
    if not isinstance(data, Mapping):
        raise ConfigError("This is no config:", ["stage: write `stage: distill` and so on"])
    config = from_dict({"stage": "distill", **data, "teacher": _reference(data.get("teacher"))})
    if not isinstance(config, DistillConfig):
        raise ConfigError("This is another stage:", ["stage: this page runs distill only"])
    config = _on_data_here(config)
    preset = state.now().distill.preset
    _fitting(_differing(preset if preset in PRESETS else FIRST, config, FROM_BOARD))
    return config


@by_hash(most=1, seconds=15, on=lambda: (access.demo().root, access.home().root))
def teachers() -> dict[str, Model]:
    """Every run with a model, those called teacher first."""
    offered = sorted(models(), key=lambda m: (m.key != "teacher", "teacher" not in m.title.lower()))
    titles = names([named(m.key, m.run) for m in offered])
    return {m.key: replace(m, title=titles[m.key]) for m in offered}


def _config(preset: str, changed: Mapping[str, Any]) -> DistillConfig:
    whole = {**_from_board(preset), **changed}
    return _on_data_here(config_of(preset, {**whole, "teacher": _reference(whole.get("teacher"))}))


def _on_data_here(config: DistillConfig) -> DistillConfig:
    refuse_other_data(shards.data_in_memory(config))
    score_files.refuse_others(config)
    return config


def _suited(preset: str, changed: Changed) -> Changed:
    """The changes, with Ranking where only that can use the teacher's free score; it is told."""
    now, ranking = draft_of(preset, changed), {**changed, **RANKING}
    teacher, data = str(now.at("teacher") or ""), str(now.at("data") or "")
    free = score_files.free_of(teacher, data, teachers())
    if not free or now.config is not None or draft_of(preset, ranking).config is None:
        return changed
    state.ignore(f"{now.problems[0]}, which is set now")
    return ranking


def _from_board(preset: str) -> Changed:
    """What a draft takes from the board: the data and the teacher that the pages look at.

    A preset with a teacher of its own, such as the student's earlier generations, keeps that.
    """
    offered, now, own = teachers(), state.now(), PRESETS[preset].teacher
    teacher = now.teacher if now.teacher in offered else next(iter(offered), "")
    teacher = teacher if own == TEACHER else own
    choice = chosen_data()
    return {"teacher": teacher} | ({"data": choice.key} if choice.badge == "imported" else {})


def _reference(text: Any) -> str:
    """A teacher's text with each run as the workspace names it: by its id, or a demo's folder."""
    return TeacherConfig.parse(str(text)).renamed(_reference_of_run).text if text else ""


def _reference_of_run(key: str) -> str:
    by_folder = {str(model.run.folder): model for model in teachers().values()}
    try:
        model = by_folder.get(key) or lookup(teachers(), key, "run with a model")
    except LabError as error:
        raise ConfigError("This teacher is not here:", [f"teacher: {error}"]) from None
    return RunStore(access.home().runs).reference(model.run)


def _key(text: str) -> str:
    """A teacher's text with each run by its key instead of its folder, a file without it."""
    by_folder = {str(model.run.folder.resolve()): key for key, model in teachers().items()}
    teacher = TeacherConfig.parse(text).renamed(lambda name: by_folder.get(name, name))
    return without_folders(teacher.text) if teacher.files else teacher.text


def _shown(config: DistillConfig) -> dict[str, Any]:
    return {**to_dict(config), "teacher": _key(config.teacher)}


def _differing(preset: str, config: DistillConfig, pinned: Sequence[str]) -> Changed:
    """What a config has other than the preset on the present board, teachers by their keys.

    pinned: settings that are given in any case.
    """
    settings = dict(changed_from(preset, config))
    settings |= {"data": config.data, "teacher": _key(config.teacher)}
    fixed = {"data": to_dict(_config(preset, {}))["data"]} | _from_board(preset)
    return {p: v for p, v in settings.items() if p in pinned or fixed.get(p) != v}


def _lean(preset: str, changed: Changed, pinned: Sequence[str]) -> Changed:
    """The same without what equals the preset; all of it while something is wrong."""
    try:
        return _differing(preset, _config(preset, changed), pinned)
    except ConfigError:
        return changed


def _nearest(preset: str, changed: Changed | Mapping[str, Any], problems: Any) -> DistillConfig:
    """The preset with the changes that no problem is about."""
    wrong = {f"{path}." for problem in problems for path in about_settings(problem)[0]}
    fine = {
        path: value
        for path, value in changed.items()
        if not any(f"{path}.".startswith(w) or w.startswith(f"{path}.") for w in wrong)
    }
    for settings in (fine, {}):
        with suppress(ConfigError):
            return _config(preset, settings)
    return config_of(preset, {"teacher": "nobody"})


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = values.get(step)
        values[step] = dict(inner) if isinstance(inner, Mapping) else {}
        values = values[step]
    values[path[-1]] = value
