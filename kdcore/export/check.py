"""Check that an exported folder gives the student's logits where the lab cannot be imported."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import LabError, RunError
from kdcore.runs.store import Run

Row = tuple[str, str, str]
TOLERANCE = 1e-4  # of a logit
PATIENCE = 600.0  # seconds
FROM_THE_DATA = 48
INVENTED: tuple[Row, ...] = (
    ("red running shoes", "Red Running Shoes on Sale", "Light shoes for road and track."),
    ("red running shoes", "Garden Hose 20 m", ""),
    ("tea pot", "Cast Iron Teapot", "Keeps tea hot for an hour."),
    ("a", "b", ""),
    ("", "An Ad for Nobody", "Nothing was searched."),
    ("hôtel zürich", "Hotels in Zürich", "Rooms by the lake from 90 €."),
    ("cheap flights 東京", "Tokyo Flights", "東京 from 499."),
    ("हिन्दी किताब", "โรงแรม cote\u0302", "新款无线蓝牙耳机 ホテル می\u200cخواهم"),
    ("piano lessons online " * 12, "Learn the Piano at Home " * 12, "First lesson free. " * 40),
)

# -I keeps the caller's folder, its PYTHONPATH and the user's packages out; None refuses an import
ALONE = """
import json, sys
sys.modules.update(dict.fromkeys(("kdcore", "app")))
"""
_PROGRAM = """
sys.path.insert(0, sys.argv[1])
from student import Student
rows = json.load(sys.stdin)
sys.stdout.write(json.dumps(Student().logits(rows).tolist()))
"""
_GRAPH = """
sys.path.insert(0, sys.argv[1])
import onnxruntime
from student import Student
tensors = Student().inputs(json.load(sys.stdin))
session = onnxruntime.InferenceSession(sys.argv[1] + "/model.onnx")
given = {each.name: tensors[each.name].numpy() for each in session.get_inputs()}
sys.stdout.write(json.dumps(session.run(["logits"], given)[0].tolist()))
"""


def sample_rows(run: Run) -> list[Row]:
    """Invented pairs of all lengths, and some test pairs of the run where these are available."""
    from kdcore import lab

    rows = list(INVENTED)
    with suppress(LabError, OSError):
        pairs = lab.split_of(run, "test")
        texts = pairs.frame.iloc[_sample(len(pairs))][["query", "title", "description"]]
        rows += [(q, t, d) for q, t, d in texts.itertuples(index=False)]
    return rows


def kept_difference(run: Run, logits: NDArray[np.floating]) -> float | None:
    """The largest difference between the run's saved logits and `logits` of its `sample_rows`.

    Its metrics are based on the saved ones. None where there are none.
    """
    from kdcore import lab

    exported = logits[len(INVENTED) :]
    with suppress(LabError, OSError):
        saved = lab.predictions(run, "test").logits
        saved = saved[_sample(len(saved))]
        if len(saved) and saved.shape == exported.shape:
            return float(np.max(np.abs(saved.astype(np.float64) - exported)))
    return None


def _sample(pairs: int) -> NDArray[np.int64]:
    """Positions evenly spread over this number of pairs."""
    return np.linspace(0, pairs - 1, min(FROM_THE_DATA, pairs)).astype(np.int64)


def asked_alone(folder: Path, rows: Sequence[Row]) -> NDArray[np.float64]:
    """(rows, grades) logits of `student.py` in a process that cannot import the lab."""
    return np.asarray(json.loads(run_alone(_PROGRAM, folder, list(rows))), dtype=np.float64)


def onnx_asked_alone(folder: Path, rows: Sequence[Row]) -> NDArray[np.float64]:
    """(rows, grades) logits of `model.onnx` by onnxruntime, in a process of the same kind."""
    return np.asarray(json.loads(run_alone(_GRAPH, folder, list(rows))), dtype=np.float64)


def run_alone(program: str, folder: Path, given: Any) -> str:
    """What a program prints about a folder in a process that cannot import the lab.

    The program reads `given` as JSON from stdin and the folder from sys.argv[1]; json and sys are
    imported. RunError when it fails.
    """
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    try:
        process = subprocess.run(
            [sys.executable, "-I", "-B", "-c", ALONE + program, str(folder)],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | quiet,
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"the exported student did not answer within {PATIENCE:g} s; nothing was saved"
        ) from None
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise RunError(f"the exported student cannot be loaded by itself ({reason})")
    return process.stdout


def difference(
    ours: NDArray[np.floating],
    theirs: NDArray[np.floating],
    name: str,
    unit: str = "logit",
    tolerance: float = TOLERANCE,
) -> float:
    """The largest difference between two tables of logits; RunError when they are not the same.

    unit: what the numbers of the tables are, where they are no logits.
    """
    if ours.shape != theirs.shape:
        raise RunError(f"{name} answers {theirs.shape} {unit}s, the run's model {ours.shape}")
    largest = float(np.max(np.abs(ours.astype(np.float64) - theirs)))
    if not largest <= tolerance:  # nan is no agreement
        raise RunError(
            f"{name} differs from the run's model by up to {largest:.2g} of a {unit}, more than "
            f"{tolerance:g}; it was not saved"
        )
    return largest
