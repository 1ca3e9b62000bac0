"""How large a saved model is: its parameters, and their megabytes at one precision for all.

Weights may be stored in half precision (those of the bundled demo are), but the models compute in
float32. So that two models compare, megabytes are always those of float32; `in_words` says where
the stored file is smaller.
"""

import json
import math
from pathlib import Path
from typing import NamedTuple

_HALF = ("F16", "BF16")
BYTES_PER_WEIGHT = 4  # of a float32, in which every model here computes


class ModelSize(NamedTuple):
    """parameters: numbers in the saved model. half: whether its file holds 16 bits for each."""

    parameters: int
    half: bool = False

    @property
    def megabytes(self) -> float:
        """10^6 bytes of its weights at float32, without the tokenizer."""
        return megabytes(self.parameters)

    @property
    def in_words(self) -> str:
        """The size for reading: "3.2 MB", with a note where the stored file is half of that."""
        return f"{self.megabytes:.1f} MB{' (stored in half precision)' if self.half else ''}"


def megabytes(parameters: int) -> float:
    """10^6 bytes of this number of weights at float32."""
    return BYTES_PER_WEIGHT * parameters / 1e6


def size_of(path: Path) -> ModelSize | None:
    """The size of the model in a safetensors file, by its header alone; None when unreadable."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        counts = [math.prod(tensor["shape"]) for tensor in tensors]
        half = sum(n for n, tensor in zip(counts, tensors, strict=True) if tensor["dtype"] in _HALF)
        return ModelSize(sum(counts), 2 * half > sum(counts))
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError):
        return None
