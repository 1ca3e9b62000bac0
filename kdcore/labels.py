"""LabelScheme: what the grades of a data set are called, are worth, and which count as relevant."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError

GainKind = Literal["exp2", "linear"]
GAINS: tuple[GainKind, ...] = ("exp2", "linear")


@dataclass(frozen=True)
class LabelScheme:
    """The grades of a data set, worst first; grade k is the class index k.

    `relevant_from` is the first grade that counts as relevant. Raises ConfigError at birth.
    """

    grades: tuple[str, ...]
    relevant_from: int

    def __post_init__(self) -> None:
        problems = []
        if len(self.grades) < 2:
            problems.append(f"grades: {self.grades} has fewer than two names; name at least two")
        if len(set(self.grades)) != len(self.grades):
            problems.append(f"grades: {self.grades} repeats a name; make each one different")
        if not 1 <= self.relevant_from < max(len(self.grades), 2):
            problems.append(
                f"relevant_from: {self.relevant_from} is outside 1..{len(self.grades) - 1}; "
                "it is the index of the worst grade that still counts as relevant"
            )
        if problems:
            raise ConfigError("These grades cannot be used:", problems)

    def __len__(self) -> int:
        return len(self.grades)

    def gains(self, kind: GainKind = "exp2") -> NDArray[np.float64]:
        """Return (classes,) the worth of each grade in nDCG: 2^grade - 1, or the grade itself."""
        grade = np.arange(len(self), dtype=np.float64)
        return np.asarray(np.exp2(grade) - 1) if kind == "exp2" else grade

    def relevant(self, grades: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return (pairs,) whether each grade counts as relevant; unlabelled (-1) does not."""
        return np.asarray(np.greater_equal(grades, self.relevant_from))

    def relevance(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return (pairs,) P(grade counts as relevant) from (pairs, classes) soft labels."""
        above = np.asarray(probabilities, dtype=np.float64)[..., self.relevant_from :]
        return np.asarray(above.sum(axis=-1))

    def expected_gain(
        self, probabilities: NDArray[np.floating[Any]], kind: GainKind = "linear"
    ) -> NDArray[np.float64]:
        """Return (pairs,) mean worths of the grade; scores.ranking_score orders by it unrounded."""
        return np.asarray(np.asarray(probabilities) @ self.gains(kind))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self) | {"grades": list(self.grades)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "LabelScheme":
        """Read what to_dict wrote."""
        return cls(grades=tuple(data["grades"]), relevant_from=int(data["relevant_from"]))


BINARY = LabelScheme(("Bad", "Good"), relevant_from=1)
FOUR_GRADES = LabelScheme(("bad", "fair", "good", "excellent"), relevant_from=2)
FIVE_GRADES = LabelScheme(("bad", "fair", "good", "excellent", "perfect"), relevant_from=2)
# Amazon's shopping queries (Reddy et al. 2022, arXiv:2206.06588); there written E, S, C and I too
ESCI = LabelScheme(("Irrelevant", "Complement", "Substitute", "Exact"), relevant_from=2)
SCHEMES = {"binary": BINARY, "four": FOUR_GRADES, "five": FIVE_GRADES, "esci": ESCI}
