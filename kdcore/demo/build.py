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
from kdcore.data.names import without_world_log
from kdcore.demo import CARD
from kdcore.demo.check import digests
from kdcore.demo.pack import answers, pack, round_weights
from kdcore.demo.plan import DemoPlan
from kdcore.demo.results import write_results
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
    work = Workspace(workspace.cache_folder(f"demo-{plan.key}"))
    began = time.monotonic()
    runs = train(plan.stages(), work, jobs, tell, round_weights, workspace)
    masked = _language_models(plan, work, tell) if plan.masked else {}
    tell("answers and figures", None)
    with new_folder(out, replace=True) as folder:
        figures = _assemble(plan, runs, workspace, work, folder)
        for role, model in masked.items():
            shutil.copytree(model, folder / MASKED / role, copy_function=shutil.copyfile)
        card = _card(plan, figures, folder, time.monotonic() - began)
        write_json_atomic(folder / CARD, card)
    return card


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
    pairs = lab.pairs_of(plan.stages()[-1].config, workspace)
    test = pairs.split("test")
    test.save(folder / "data" / _data_name(plan))
    predictions: dict[str, Predictions] = {}
    titles = {stage.id: stage.title for stage in plan.stages()}
    for name, run in runs.items():
        predictions[name] = answers(run, test, work)
        # a temperature is fitted on other pairs than those that are evaluated
        validation = replace(answers(run, pairs.split("validation"), work), features=None)
        by_split = {"validation": validation, "test": predictions[name]}
        pack(run, folder / "runs" / name, titles[name], by_split)
    return write_results(plan, folder, test, predictions)


def _card(plan: DemoPlan, figures: dict[str, Any], folder: Path, seconds: float) -> dict[str, Any]:
    """The content of demo.json: how it was built, the results, and every file's hash."""
    twins = [s[kind] for s in figures["students"] for kind in ("hard", "distilled")]
    teacher, hard, distilled = (row["pairs"] for row in (figures["teacher"], *twins[:2]))
    trained = sum(row["seconds"] for row in (figures["teacher"], *twins))
    unlabelled = f", {distilled - hard:,} of them unlabelled" if distilled > hard else ""
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
        "notes": [
            f"The teacher learned from {teacher:,} labelled pairs, every student from "
            f"{hard:,} of them: twins share seed, start and, to half an epoch, steps, and the "
            f"distilled one has the teacher's soft labels besides, on {distilled:,} pairs"
            f"{unlabelled}.",
            "Of a student the validation with the best ROC-AUC is kept, of the teacher the one "
            "with the best likelihood.",
            "Seconds are of each training as it ran, with whatever ran beside it.",
        ],
        "runs": [stage.id for stage in plan.stages()],
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
