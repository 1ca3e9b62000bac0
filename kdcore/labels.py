"""LabelScheme: what the grades of a data set are called, are worth, and which count as relevant."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError
from kdcore.softlabels import over_classes

GainKind = Literal["exp2", "linear", "own"]
GAINS: tuple[GainKind, ...] = ("exp2", "linear")  # of every data set
RELEVANCE = "relevance"  # the task whose labels are the grades, and whose head is the model's own
TASK_PREFIX = "task_"  # of columns of labels beside the grade, and of the curves of their losses
OWN: GainKind = "own"  # of a data set that states the worth of each of its grades


@dataclass(frozen=True)
class LabelScheme:
    """The grades of a data set, worst first; grade k is the class index k.

    `relevant_from` is the first grade that counts as relevant. own_gains: what each grade is worth
    in nDCG by the data set's own definition, () where it has none. Raises ConfigError at birth.
    """

    grades: tuple[str, ...]
    relevant_from: int
    own_gains: tuple[float, ...] = ()

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
        problems += self._faults_of_gains() if self.own_gains else []
        if problems:
            raise ConfigError("These grades cannot be used:", problems)

    def _faults_of_gains(self) -> list[str]:
        own, count = self.own_gains, len(self.grades)
        given = f"gains: {', '.join(f'{gain:g}' for gain in own)}"
        if len(own) != count:
            return [f"{given} are {len(own)} numbers for {count} grades; give one for each grade"]
        if not np.isfinite(own).all() or min(own) < 0 or max(own) <= 0:
            return [f"{given}: use finite numbers of at least 0, one of them above 0"]
        if list(own) != sorted(own):
            return [
                f"{given} fall from a grade to a better one; list them from worst to best grade"
            ]
        return []

    def __len__(self) -> int:
        return len(self.grades)

    @property
    def gain_kinds(self) -> tuple[GainKind, ...]:
        """The kinds of gain that nDCG can use on these grades."""
        return (*GAINS, OWN) if self.own_gains else GAINS

    def gains(self, kind: GainKind = "exp2") -> NDArray[np.float64]:
        """Return (classes,) the worth of each grade in nDCG: 2^grade - 1, the grade, or its own.

        ConfigError when the data set states no gains of its own.
        """
        if kind == OWN:
            if not self.own_gains:
                raise ConfigError("These grades have no gains of their own; use exp2 or linear.")
            return np.asarray(self.own_gains, dtype=np.float64)
        grade = np.arange(len(self), dtype=np.float64)
        return np.asarray(np.exp2(grade) - 1) if kind == "exp2" else grade

    def relevant(self, grades: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Return (pairs,) whether each grade counts as relevant; unlabelled (-1) does not."""
        return np.asarray(np.greater_equal(grades, self.relevant_from))

    def relevance(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return (pairs,) P(grade counts as relevant) from (pairs, classes) soft labels."""
        above = np.asarray(probabilities, dtype=np.float64)[..., self.relevant_from :]
        return np.asarray(over_classes(np.add, above)[..., 0])

    def expected_gain(
        self, probabilities: NDArray[np.floating[Any]], kind: GainKind = "linear"
    ) -> NDArray[np.float64]:
        """Return (pairs,) mean worths of the grade; scores.ranking_score orders by it unrounded."""
        return np.asarray(np.asarray(probabilities) @ self.gains(kind))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        own = [float(gain) for gain in self.own_gains]  # 1 and 1.0 have one hash
        data = asdict(self) | {"grades": list(self.grades), "own_gains": own}
        if not self.own_gains:  # as every earlier version wrote it, so that hashes stay
            del data["own_gains"]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "LabelScheme":
        """Read what to_dict wrote."""
        own = tuple(float(gain) for gain in data.get("own_gains", ()))
        return cls(tuple(data["grades"]), int(data["relevant_from"]), own)


def gains_of(text: str | None) -> tuple[float, ...]:
    """Read gains that a person typed, such as 0, 0.01, 0.1, 1; () for none; else ConfigError."""
    if not text or not text.strip():
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"gains: {text!r} are not numbers; write one for each grade, worst first, with commas: "
            "0,0.01,0.1,1"
        ) from None


BINARY = LabelScheme(("Bad", "Good"), relevant_from=1)
FOUR_GRADES = LabelScheme(("bad", "fair", "good", "excellent"), relevant_from=2)
FIVE_GRADES = LabelScheme(("bad", "fair", "good", "excellent", "perfect"), relevant_from=2)
# Amazon's shopping queries (Reddy et al. 2022, arXiv:2206.06588); there written E, S, C and I too
ESCI = LabelScheme(("Irrelevant", "Complement", "Substitute", "Exact"), relevant_from=2)
SCHEMES = {"binary": BINARY, "four": FOUR_GRADES, "five": FIVE_GRADES, "esci": ESCI}
