"""A network as ONNX with int8 weights, and what that loses and gains, measured.

Dynamic quantization of onnxruntime: each column of a weight is stored in int8 with a scale of its
own; activations are quantized when they are computed, so no calibration data are needed.
"""

import importlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.export.check import Row
from kdcore.export.layout import is_cross
from kdcore.export.measure import loss_of, timed_in_turns, timing_rows
from kdcore.export.onnx import WHOLE
from kdcore.export.price import Price
from kdcore.export.scripts import cross, towers
from kdcore.models.base import PairModel
from kdcore.runs.store import Run

INT8 = "model.int8.onnx"
_BATCH = 64


def write_int8(run: Run, model: PairModel, folder: Path, rows: Sequence[Row]) -> Price:
    """Add the quantized network to a folder that holds model.onnx; rows: pairs to be timed on."""
    quantize(folder / WHOLE, folder / INT8)
    student: Any = cross.Student(folder) if is_cross(folder) else towers.Student(folder)
    small, full = (_session(folder / name) for name in (INT8, WHOLE))
    sample = [_given(full, student, [row]) for row in timing_rows(rows)]
    (milliseconds, of_full), timed = timed_in_turns(
        [lambda row: small.run(None, sample[row]), lambda row: full.run(None, sample[row])]
    )
    return Price(
        name="int8",
        full=WHOLE,
        loss=loss_of(run, model, lambda given: logits_of(small, student, given), f"{run.id} int8"),
        milliseconds=milliseconds,
        of_full=of_full,
        timed=timed,
        megabytes=(folder / INT8).stat().st_size / 1e6,
        megabytes_of_full=(folder / WHOLE).stat().st_size / 1e6,
    )


def quantize(full: Path, small: Path) -> None:
    """Write an ONNX file whose matrices are int8, after folding its constants."""
    quantization = importlib.import_module("onnxruntime.quantization")
    shapes = importlib.import_module("onnxruntime.quantization.shape_inference")
    with tempfile.TemporaryDirectory() as place, _quiet():
        folded = Path(place) / "folded.onnx"
        shapes.quant_pre_process(full, folded, skip_symbolic_shape=True)
        quantization.quantize_dynamic(
            folded,
            small,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,  # 7 bits: without VNNI a processor's sums of 8-bit products saturate
        )


def logits_of(session: Any, student: Any, rows: Sequence[Row]) -> NDArray[np.float32]:
    """(rows, grades) logits of an ONNX session, in batches of similar length."""
    order = np.argsort([sum(map(len, row)) for row in rows], kind="stable")
    parts = []
    for start in range(0, len(rows), _BATCH):
        given = _given(session, student, [rows[i] for i in order[start : start + _BATCH]])
        parts.append(session.run(None, given)[0])
    logits = np.empty((len(rows), parts[0].shape[1]), dtype=np.float32)
    logits[order] = np.concatenate(parts)
    return logits


def _given(session: Any, student: Any, rows: Sequence[Row]) -> dict[str, NDArray[np.int64]]:
    """Return the inputs of a session for these rows."""
    tensors = student.inputs(rows)
    return {each.name: tensors[each.name].numpy() for each in session.get_inputs()}


def _session(path: Path) -> Any:
    """An ONNX session on one thread."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the quantizer's advice to do what is done here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
