"""Measure what pages open on with the demo's models, into a folder beside the demo's."""

from pathlib import Path

from kdcore.data.library import WORLD
from kdcore.demo.plan import TEACHER, DemoPlan
from kdcore.demo.train import Report
from kdcore.retrieval.measuring.measure import measure
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace

RETRIEVAL = "retrieval.safetensors"


def measure_pages(
    plan: DemoPlan,
    demo: Path,
    out: Path,
    *,
    workspace: Workspace | None = None,
    ads: str = WORLD,
    tell: Report = lambda title, run: None,
) -> None:
    """Measure retrieval with one of the demo's students, its twin and the teacher, into `out`.

    ads: the data set whose ads are searched. workspace: where their vectors are cached.
    """
    runs, pupil = RunStore(Workspace(demo).runs), plan.pupil(plan.searched)
    student, twin, teacher = map(runs.get, (pupil.distilled, pupil.hard, TEACHER))
    study = measure(
        student,
        teacher,
        ads,
        workspace or Workspace.default(),
        twin=twin,
        tell=lambda step, share: tell(f"retrieval, {share:.0%}: {step}", None),
    )
    study.save(out / RETRIEVAL)
