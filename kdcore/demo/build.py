"""Build the demo folder: pairs, runs, language models, and the card that describes them."""

import hashlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kdcore
from kdcore import lab
from kdcore.config import InferConfig
from kdcore.data.names import without_world_log
from kdcore.demo import CARD
from kdcore.demo.check import digests
from kdcore.demo.pack import answers, pack, pack_cards, round_weights
from kdcore.demo.plan import DemoPlan
from kdcore.demo.recipe import write_pipeline
from kdcore.demo.results import results_of, write_results
from kdcore.demo.train import Report, train
from kdcore.errors import ConfigError
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.training.devices import pick_device
from kdcore.workspace import Workspace, new_folder, slug, write_json_atomic

FORMAT = 1
MASKED = "masked"


def build(
    plan: DemoPlan,
    out: Path,
    *,
    workspace: Workspace | None = None,
    jobs: int = 2,
    tell: Report = lambda title, run: None,
) -> dict[str, Any]:
    """Build the demo's folder and return its card, which is also demo.json in it.

    Trained runs are cached in the workspace under the plan's key, so that a stopped build continues
    and a second one only packs. An older demo at `out` is replaced at the end.
    """
    _refuse_other_folder(out)
    if jobs < 1:
        raise ConfigError(f"jobs: {jobs}; give 1 or more")
    pick_device(plan.device)
    workspace = workspace or Workspace.default()
    work = work_of(plan, workspace)
    began = time.monotonic()
    runs = train(plan.stages(), work, jobs, tell, round_weights, workspace)
    masked = _language_models(plan, work, tell) if plan.masked else {}
    tell("answers and figures", None)
    with new_folder(out, replace=True) as folder:
        figures = _assemble(plan, runs, workspace, work, folder)
        for role, model in masked.items():
            shutil.copytree(model, folder / MASKED / role, copy_function=shutil.copyfile)
        notes = _notes(plan, figures)
        if plan.label_aware:
            write_pipeline(plan, folder, notes[0])
        if plan.latency:
            tell("latency", None)  # at the end, when nothing runs beside
            _measure_latency(plan, workspace, folder)
        card = _card(plan, figures, notes, folder, time.monotonic() - began)
        write_json_atomic(folder / CARD, card)
    return card


def work_of(plan: DemoPlan, workspace: Workspace) -> Workspace:
    """Where the demo's runs are trained, and stay as they were before they were packed."""
    return Workspace(workspace.cache_folder(f"demo-{plan.key}"))


def _language_models(plan: DemoPlan, work: Workspace, tell: Report) -> dict[str, Path]:
    """The folders of the masked-word teacher and student, trained where they are missing."""
    from kdcore.language.plan import StudentPlan, TeacherPlan
    from kdcore.language.train import train_pair

    place = Workspace(work.root / f"{MASKED}-{code_hash('language')}")
    common: dict[str, Any] = {"seed": plan.seed, "device": plan.device, "threads": plan.threads}
    teacher, student = TeacherPlan(**common), StudentPlan(teacher="teacher", **common)
    return train_pair(teacher, student, place, lambda role, run: tell(f"language {role}", None))


def _refuse_other_folder(out: Path) -> None:
    """Raise ConfigError when the folder to write holds something that is not a demo."""
    if out.is_dir() and any(out.iterdir()) and not (out / CARD).is_file():
        raise ConfigError(f"{out} holds other files; give an empty or new folder, or an older demo")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file; give a folder")


def _assemble(
    plan: DemoPlan, runs: Mapping[str, Run], workspace: Workspace, work: Workspace, folder: Path
) -> dict[str, Any]:
    """Write the pairs and every run with its predictions; return the figures of all of them."""
    pairs = lab.pairs_of(plan.models[-1].config, workspace)
    test = pairs.split("test")
    test.save(folder / "data" / _data_name(plan))
    predictions: dict[str, Predictions] = {}
    aware = {plan.pupil(name).label_aware for name in plan.label_aware.values()}
    for stage in plan.stages():
        run, place = runs[stage.id], folder / "runs" / stage.id
        if not stage.trains:
            pack_cards(run, place, stage.title)
            continue
        predictions[stage.id] = answers(run, test, work)
        # a temperature is fitted on other pairs than those that are evaluated
        by_split = {
            "validation": _without_features(answers(run, pairs.split("validation"), work)),
            "test": predictions[stage.id],
        }
        if stage.id in aware:  # those of the student that it went on from are there
            by_split["test"] = _without_features(by_split["test"])
        pack(run, place, stage.title, by_split)
    return write_results(plan, folder, test, predictions)


def _without_features(predictions: Predictions) -> Predictions:
    return replace(predictions, features=None)


def _measure_latency(plan: DemoPlan, workspace: Workspace, folder: Path) -> None:
    """Time every shipped model, a student in turns with its teacher, one after the other."""
    from kdcore.judging.latency import latency_of
    from kdcore.training.devices import use_threads

    demo = Workspace(folder)
    test = lab.pairs_of(plan.models[-1].config, workspace).split("test")
    for stage in plan.models:
        run, config = Run.load(demo.run_folder(stage.id)), stage.config
        assert not isinstance(config, InferConfig)
        with use_threads(plan.threads):
            latency_of(run, config, test).write(run, demo)


def _notes(plan: DemoPlan, figures: dict[str, Any]) -> list[str]:
    """What a reader of the figures must know, a sentence each."""
    teacher, student = figures["teacher"]["pairs"], figures["students"][0]
    labelled, soft = f"{student['hard']['pairs']:,}", f"{student['distilled']['pairs']:,}"
    common = "student and twin share model, seed and, to half an epoch, steps"
    notes = [
        f"The teacher learned from {teacher:,} labelled pairs, each twin (the same student without "
        f"it) from {labelled} of them, each distilled student from the teacher's soft labels of "
        f"{soft} unlabelled pairs instead; {common}."
        if plan.has_log
        else f"The teacher learned from {teacher:,} labelled pairs, every student from {labelled} "
        f"of them: {common}, and the distilled one has the teacher's soft labels besides."
    ]
    if plan.label_aware:
        titles = " and ".join(plan.pupil(name).title for name in plan.label_aware.values())
        notes.append(
            f"{titles} went on from there with labels and soft labels of these {labelled} pairs "
            "together (label-aware)."
        )
    return [
        *notes,
        "Of a student the validation with the best ROC-AUC is kept, of the teacher the one with "
        "the best likelihood.",
        "Seconds are of each training as it ran, with whatever ran beside it.",
    ]


def _card(
    plan: DemoPlan, figures: dict[str, Any], notes: list[str], folder: Path, seconds: float
) -> dict[str, Any]:
    """The content of demo.json: how it was built, the results, and every file's hash."""
    rows = [figures["teacher"], *(row for s in figures["students"] for row in results_of(s))]
    trained = sum(row["seconds"] for row in rows)
    return {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kdlab": version("kdlab"),
        "torch": version("torch"),
        "transformers": version("transformers"),
        "code": code_hash(),
        "plan": plan.key,
        "seed": plan.seed,
        "temperature": plan.temperature,
        "hard_weight": plan.hard_weight,
        "data": {"name": _data_name(plan), "teacher": plan.teacher_data, "students": plan.data},
        "notes": notes,
        "runs": [stage.id for stage in plan.models],
        "twins": {pupil.distilled: pupil.hard for pupil in plan.pupils},
        "figures": figures,
        "seconds": {"trainings": round(trained, 1), "this_build": round(seconds, 1)},
        "files": digests(folder),
    }


def _data_name(plan: DemoPlan) -> str:
    """The name of the folder of the test pairs, in which no log is."""
    return slug(without_world_log(plan.data))


def code_hash(part: str = "") -> str:
    """16 hex digits of the engine's source, or of one part of it."""
    home = Path(kdcore.__file__).parent / part
    digest = hashlib.sha256()
    for file in sorted(home.rglob("*.py")):
        digest.update(file.relative_to(home).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]
