"""The training of a teacher that a visitor is about to start: a preset, and what was changed."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from app import state
from app.services import access, draft
from app.services.boards import refuse_other_data
from app.services.draft import Changed, Draft, Planned
from app.services.links import decode, encode
from app.services.live import run as live
from app.views.distill.queries import cost
from app.views.distill.queries.runs import room
from kdcore import lab
from kdcore.catalog import PRETRAINED, STUDENTS
from kdcore.config import FinetuneConfig, to_dict
from kdcore.errors import ConfigError, about_settings
from kdcore.experiments.changes import put
from kdcore.experiments.launch import enqueue
from kdcore.experiments.teachers import changed_from, config_of
from kdcore.experiments.titles import model_title
from kdcore.runs.listing import rows
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run, RunStore

RANDOM = ""  # the start of a model that starts from no run
_LONGEST = 2_000  # characters of State.teacher_settings
_DONE = "finished"
# models that do not come from a pretrained folder
_STARTS = set(STUDENTS) - set(PRETRAINED.values())
NewTeacher = Planned[FinetuneConfig]


def new_teacher(now: Draft) -> NewTeacher:
    """What the form would train; its data are those of the student unless others are chosen."""
    preset = state.now().distill.teacher_preset
    changed = decode(state.now().distill.teacher_settings)
    whole = {"data": now.at("data") or "world", **changed}
    try:
        config = _checked(config_of(preset, _with_start(whole)))
        return NewTeacher(preset, changed, _shown(config, whole), config)
    except ConfigError as error:
        values = to_dict(config_of(preset))
        for path in sorted(whole, key=lambda path: path.count(".")):
            put(values, path.split("."), whole[path])
        return NewTeacher(preset, changed, values, None, error.problems or (str(error),))


def take(path: str, value: Any) -> None:
    """Change one setting; another model starts from its own knobs."""
    _take({path: value}, "model." if path == "model.name" else "")


def take_model(settings: Changed) -> None:
    """Another model, with the knobs that are named."""
    _take(settings, "model.")


def take_start(key: str) -> None:
    """Start from a run's weights, and so with its shape; or from random ones."""
    run = starts().get(key)
    if run is None:
        _take({"model.start_from": RANDOM}, "")
        return
    preset, model = state.now().distill.teacher_preset, run.model
    shape = {"model.name": model["name"]}
    shape |= {f"model.params.{k}": v for k, v in dict(model.get("params") or {}).items()}
    base = config_of(preset, shape)
    _take(changed_from(preset, base) | {"model.start_from": key}, "model.")


def starts() -> dict[str, Run]:
    """The finished runs whose weights a model of their shape can start from, by id."""
    places = (access.home().runs, access.demo().runs)
    every = [row.run for place in places for row in rows(place) if row.status.state == _DONE]
    return {run.id: run for run in every if run.model_name in _STARTS}


def start(config: FinetuneConfig) -> Run:
    """Put the training into the queue; when it is finished the run teaches on the form."""
    with room() as home:
        title = f"Teacher {model_title(config.model)}, seed {config.seed}"
        measured = cost.teacher_cost(config).student
        estimate = asdict(measured) if measured else {}
        run = lab.create(config, home, title, Purpose(role="teacher", estimate=estimate))
        enqueue([run], home)
    state.change(distill={"run": run.id, "awaited": run.id, "teacher_form": False})
    return run


def awaited() -> Run | None:
    """The teacher in training that the form waits for."""
    return live.find(state.now().distill.awaited) if state.now().distill.awaited else None


def receive() -> Run | None:
    """Make the awaited teacher the teacher of the form once it is finished; returns it then."""
    if not state.now().distill.awaited:
        return None
    run = awaited()
    if run is None:
        state.correct(distill={"awaited": ""})
    elif run.status().state == _DONE:
        draft.adopt(run.id, awaited="")
        return run
    return None


def prefill(run: Run, changed: Mapping[str, Any]) -> None:
    """Fill the form with the settings of a training, some of them changed; nothing starts."""
    config = run.config
    assert isinstance(config, FinetuneConfig)
    preset = state.now().distill.teacher_preset
    here = {_reference(other): key for key, other in starts().items()}
    settings = changed_from(preset, config) | {"data": config.data} | dict(changed)
    if start := config.model.start_from:
        settings["model.start_from"] = here.get(start, start)
    state.change(
        distill={"teacher_settings": _fitting(settings), "teacher_form": True, "mode": "form"}
    )


def _take(settings: Changed, group: str) -> None:
    now = state.now().distill
    others = decode(now.teacher_settings)
    rest = {path: v for path, v in others.items() if not (group and path.startswith(group))}
    changed = rest | settings
    with suppress(ConfigError):  # what equals the preset again is no change
        whole = config_of(now.teacher_preset, changed)
        changed = changed_from(now.teacher_preset, whole) | _pinned(changed)
    try:
        state.change(distill={"teacher_settings": _fitting(changed)})
    except ConfigError as error:
        state.ignore(about_settings(error.problems[0])[1])


def _pinned(changed: Changed) -> Changed:
    """The data, which follow the student's unless they were chosen here."""
    return {"data": changed["data"]} if "data" in changed else {}


def _fitting(changed: Changed) -> str:
    text = encode(changed)
    if len(text) > _LONGEST:
        problem = f"settings: {len(text):,} characters do not fit into a link; {_LONGEST:,} do"
        raise ConfigError("These settings are too long:", [problem])
    return text


def _with_start(changed: Changed) -> Changed:
    """The settings with the run that the model starts from as the workspace names it."""
    key = str(changed.get("model.start_from") or RANDOM)
    if key == RANDOM:
        return changed
    run = starts().get(key)
    if run is None:
        problem = f"model.start_from: no finished run here is called {key[:60]!r}"
        raise ConfigError("This teacher cannot be trained:", [problem])
    return changed | {"model.start_from": _reference(run)}


def _reference(run: Run) -> str:
    return RunStore(access.home().runs).reference(run)


def _checked(config: FinetuneConfig) -> FinetuneConfig:
    refuse_other_data(config.data)
    return config


def _shown(config: FinetuneConfig, changed: Changed) -> dict[str, Any]:
    start = str(changed.get("model.start_from") or RANDOM)
    return to_dict(replace(config, model=replace(config.model, start_from=start)))
