"""A student as ONNX: the whole network, and each tower of a separable one; checked on texts."""

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kdcore.errors import ConfigError, LabError
from kdcore.export.check import Row, difference
from kdcore.export.layout import is_cross
from kdcore.export.scripts import cross, towers

NEEDS = ("onnx", "onnxruntime", "onnxscript")
WHOLE = "model.onnx"
_SIDE_BY_SIDE = ("batch", "tokens")
AXES = {  # the names of an input's axes, all of which are free; words are bags of trigrams
    "input_ids": _SIDE_BY_SIDE,
    "attention_mask": _SIDE_BY_SIDE,
    "token_type_ids": _SIDE_BY_SIDE,
    "query_ids": ("batch", "query_tokens", "query_trigrams"),
    "ad_ids": ("batch", "ad_tokens", "ad_trigrams"),
    "ids": ("batch", "tokens", "trigrams"),
}


@dataclass(frozen=True)
class Onnx:
    """Files that were written, the largest difference of a logit; or why there are none."""

    files: tuple[str, ...] = ()
    difference: float = 0.0
    problem: str = ""


def require_packages() -> None:
    """ConfigError with the line to type when a package is missing."""
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        raise ConfigError(
            f"ONNX needs {', '.join(missing)}, which is not installed; "
            "type: pip install 'kdlab[export]'"
        )


def write_onnx(folder: Path, rows: Sequence[Row], ours: NDArray[np.floating]) -> Onnx:
    """Add the ONNX files to an exported folder, or say why this network cannot be written as ONNX.

    ours: (rows, grades) logits of the run's model.
    """
    written: list[Path] = []
    try:
        with _quiet():
            student: Any = cross.Student(folder) if is_cross(folder) else towers.Student(folder)
            example = student.inputs(rows[:3])
            for name, (net, inputs, output) in _parts(student, example).items():
                written.append(folder / name)
                _export(net, inputs, output, written[-1])
        largest = _checked(folder / WHOLE, student, rows, ours)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as cause:  # the exporter raises whatever its dozens of passes raise
        for path in written:
            path.unlink(missing_ok=True)
        reason = str(cause) if isinstance(cause, LabError) else _first_line(cause)
        return Onnx(problem=f"This model cannot be written as ONNX: {reason}")
    return Onnx(tuple(path.name for path in written), largest)


def _parts(
    student: Any, given: Mapping[str, Tensor]
) -> dict[str, tuple[nn.Module, Mapping[str, Tensor], str]]:
    """File name -> the network, its inputs and the name of its output."""
    if isinstance(student, cross.Student):
        names = [n for n in given if n != "token_type_ids" or student.reading["token_types"]]
        return {WHOLE: (_Logits(student.net), {n: given[n] for n in names}, "logits")}
    sides = ("query",) if len(student.net.towers) == 1 else ("query", "ad")
    apart = {
        "tower.onnx" if len(sides) == 1 else f"{side}_tower.onnx": (
            tower,
            {"ids": given[f"{side}_ids"]},
            "vector",
        )
        for side, tower in zip(sides, student.net.towers, strict=True)
    }
    return {WHOLE: (student.net, given, "logits"), **apart}


class _Logits(nn.Module):
    """A network of transformers that returns a tensor."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net.eval()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """(pairs, grades)."""
        more = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        out = self.net(input_ids=input_ids, attention_mask=attention_mask, **more)
        logits: Tensor = out.logits
        return logits


def _export(net: nn.Module, inputs: Mapping[str, Tensor], output: str, path: Path) -> None:
    axes = {name: dict(enumerate(AXES[name][: t.dim()])) for name, t in inputs.items()}
    with torch.no_grad():
        program = torch.onnx.export(
            net.eval(),
            (),
            kwargs=dict(inputs),
            dynamic_shapes=axes,
            dynamo=True,
            input_names=list(inputs),
            output_names=[output],
            verbose=False,
        )
    assert program is not None  # only the older exporter, which writes a file, returns None
    program.save(str(path), external_data=False)


def _checked(path: Path, student: Any, rows: Sequence[Row], ours: NDArray[np.floating]) -> float:
    """The largest difference over batches of one, of a few and of all, short and long texts."""
    session = importlib.import_module("onnxruntime").InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    count, largest = len(rows), 0.0
    for part in (range(1), range(1, min(4, count)), range(count - 1, count), range(count)):
        given = student.inputs([rows[i] for i in part])
        (logits,) = session.run(None, {name: given[name].numpy() for name in names})
        largest = max(largest, difference(ours[list(part)], logits, path.name))
    return largest


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's notes on packages it does not need; trace the plain attention path."""
    logger, fast = logging.getLogger("torch.onnx"), torch.backends.mha.get_fastpath_enabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        logger.setLevel(level)


def _first_line(cause: Exception) -> str:
    line = " ".join(str(cause).strip().splitlines()[:1])[:200]
    return f"{type(cause).__name__}: {line}" if line else type(cause).__name__
