"""Measure what pages open on with the demo's models, into a folder beside the demo's."""

from pathlib import Path

from kdcore.data.library import WORLD
from kdcore.demo.build import work_of
from kdcore.demo.check import read_card
from kdcore.demo.plan import TEACHER, DemoPlan
from kdcore.demo.train import Report
from kdcore.projection.bundled import make_bundled
from kdcore.retrieval.embed import embed_texts
from kdcore.retrieval.measuring.measure import measure
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace

RETRIEVAL, MAPS = "retrieval.safetensors", "maps"


def measure_pages(
    plan: DemoPlan,
    demo: Path,
    out: Path,
    *,
    workspace: Workspace | None = None,
    ads: str = WORLD,
    tell: Report = lambda title, run: None,
) -> None:
    """Measure retrieval with one of the demo's students, and draw the maps, into `out`.

    ads: the data set whose ads are searched. workspace: that of `build`; vectors are cached there.
    """
    workspace = workspace or Workspace.default()
    runs, pupil = RunStore(Workspace(demo).runs), plan.pupil(plan.searched)
    student, twin, teacher = map(runs.get, (pupil.distilled, pupil.hard, TEACHER))
    study = measure(
        student,
        teacher,
        ads,
        workspace,
        twin=twin,
        tell=lambda step, share: tell(f"retrieval, {share:.0%}: {step}", None),
    )
    study.save(out / RETRIEVAL)
    make_bundled(
        Workspace(demo),
        embed_texts,
        out / MAPS,
        lambda step, share: tell(f"maps, {share:.0%}: {step}", None),
        data=read_card(demo)["data"]["name"],
        texts_of=pupil.distilled,
        trained=RunStore(work_of(plan, workspace).runs),
    )
