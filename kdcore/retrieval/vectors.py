"""AdVectors: the vectors of ads by one run, as a safetensors file; searching needs no torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.workspace import Workspace, replacing

Vectors = NDArray[np.float32]
_UNIT = 1e-3  # by which the length of a stored vector may differ from 1


@dataclass(frozen=True)
class AdVectors:
    """vectors: (ads, width) float32 of unit length, a row per ad; their product is the cosine.

    model: hash of the model that computed them. ads: content hash of the ads. Creating them
    raises DataError where a vector does not have unit length.
    """

    vectors: Vectors
    model: str
    ads: str

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not len(self.vectors):
            raise DataError(f"vectors of shape {self.vectors.shape}; need (ads, width), ads >= 1")
        lengths = np.sqrt(np.einsum("nd,nd->n", self.vectors, self.vectors))
        bad = int((~(np.abs(lengths - 1) < _UNIT)).sum())
        if bad:
            raise DataError(
                f"{bad:,} of {len(self.vectors):,} vectors do not have unit length; "
                "normalize them, or embed the ads again"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def key(self) -> str:
        """The name under which they, and the indexes built from them, are stored."""
        return f"{self.model}-{self.ads}"

    def save(self, path: Path) -> None:
        """Write them completely or not at all."""
        with replacing(path) as temporary:
            metadata = {"model": self.model, "ads": self.ads}
            save_file({"vectors": np.ascontiguousarray(self.vectors)}, temporary, metadata)

    @classmethod
    def load(cls, path: Path) -> "AdVectors":
        """Read what save wrote; DataError for anything else."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                vectors = file.get_tensor("vectors")
        except (OSError, SafetensorError, ValueError) as cause:
            raise DataError(
                f"{path.name} holds no vectors of ads ({cause}); remove it and embed the ads again"
            ) from None
        if not {"model", "ads"} <= metadata.keys() or vectors.dtype != np.float32:
            raise DataError(f"{path.name} was not written by the lab; remove it")
        return cls(vectors, metadata["model"], metadata["ads"])


def vectors_path(workspace: Workspace, model: str, ads: str) -> Path:
    """Where the vectors of these ads by this model are cached."""
    return workspace.cache_folder("vectors") / f"{model}-{ads}.safetensors"
