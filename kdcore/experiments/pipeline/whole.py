"""recipe(): a whole recipe as one call, in this process."""

from typing import Any

from kdcore.experiments.pipeline.drive import drive
from kdcore.experiments.pipeline.folder import create
from kdcore.experiments.pipeline.plan import plan
from kdcore.experiments.pipeline.results import Results, results
from kdcore.workspace import Workspace


def recipe(name: str, *, workspace: Workspace | None = None, **options: Any) -> Results:
    """Carry a recipe out and return its table; options: those of `plan`, such as small=True.

    A stage whose inputs have not changed takes its earlier run. RunError names the stages that did
    not finish; the same call goes on with them.
    """
    one = create(plan(name, workspace=workspace, **options), workspace)
    drive(one, here=True)
    return results(one)
