"""Measure the study again that the page Retrieval opens on, after its models have changed.

    python -m kdcore.retrieval.measuring.bundled assets/measured/retrieval.safetensors

About ten minutes on two cores, most of them for the teacher that reads every ad of 20 queries. A
quiet machine gives the true times; the study says how busy it was.
"""

import sys
import tempfile
from pathlib import Path

from kdcore.data.library import WORLD
from kdcore.retrieval.measuring.measure import measure
from kdcore.retrieval.measuring.pool import Tell
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace

STUDENT, TEACHER, TWIN = "twinbert_cos-kd", "teacher", "twinbert_cos-hard"


def measure_bundled(file: Path, tell: Tell = lambda step, share: None) -> None:
    """Measure the bundled student, twin and teacher over the world's ads, and write the study."""
    student, teacher, twin = map(RunStore(Workspace.bundled().runs).get, (STUDENT, TEACHER, TWIN))
    with tempfile.TemporaryDirectory() as folder:
        study = measure(student, teacher, WORLD, Workspace(Path(folder)), twin=twin, tell=tell)
        study.save(file)


if __name__ == "__main__":
    measure_bundled(
        Path(sys.argv[1]),
        lambda step, share: print(f"{share:4.0%} {step}", file=sys.stderr),  # noqa: T201
    )
