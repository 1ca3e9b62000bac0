"""Studies: sweeps that ask a published question again, around any BERT teacher.

study_entry("figure2").start(teacher) gives the settings that its cells share, `grid` the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdcore.config import to_dict
from kdcore.data.library import WORLD
from kdcore.errors import ConfigError, lookup
from kdcore.runs.resolve import ITS_TEACHER
from kdcore.runs.store import BUNDLED, Run

_SHAPE = ("hidden", "heads", "inner", "query_tokens", "ad_tokens", "overlap")
TEACHER = f"{BUNDLED}teacher"  # where none is named


@dataclass(frozen=True)
class Study:
    """A sweep over BERT students of one width, each with its twin, and what it is about.

    limit: pairs that every student learns from. settings: values by group that all cells share.
    grid: as that of a sweep. ours: what differs from the paper.
    """

    title: str
    summary: str
    paper: str
    ours: str
    limit: int
    settings: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]

    def start(self, teacher: Run) -> dict[str, Any]:
        """The settings of every cell: students as wide as the teacher.

        They start from the layers that the teacher started from, so that a student without a
        teacher has nothing of it; where it started from none, from its own. Both read the same
        tokens. ConfigError where the teacher is not a BERT-n.
        """
        if teacher.model_name != "bert":
            problem = (
                f"teacher: {teacher.id} is not a BERT-n; choose one, whose layers can be learned"
            )
            raise ConfigError("This study cannot be made:", [problem])
        model = to_dict(teacher.config)["model" if not teacher.is_distilled else "student"]
        shape = {name: value for name, value in model["params"].items() if name in _SHAPE}
        start = model.get("start_from") or ITS_TEACHER
        student = {"name": "bert", "params": shape, "start_from": start}
        whole = {"student": student, "limit": self.limit, **self.settings}
        # a teacher may have learned from more of the world than a student is to be shown
        return whole | ({"data": WORLD} if teacher.data.partition(":")[0] == WORLD else {})


STUDIES: dict[str, Study] = {
    "figure2": Study(
        title="Figure 2: quality against parameters",
        summary="Students of 1, 2, 3, 4 and 6 layers: labels only (the twins), soft labels, and "
        "soft labels with internal distillation; three seeds each.",
        paper="Aguilar et al. 2020, arXiv:1910.03723, figure 2",
        ours="All layers at once, beside soft labels; every student, twins too, starts from the "
        "layers that its teacher started from, else from the teacher's own; our pairs, not QQP.",
        limit=5_000,
        settings={"training": {"learning_rate": 2e-4, "epochs": 4}},
        grid={
            "student.params.layers": (1, 2, 3, 4, 6),
            "terms.internal.weight": (0.0, 1.0),
            "seed": (0, 1, 2),
        },
    ),
}


def study_entry(name: str) -> Study:
    """The study of a name; a typo is answered with the nearest one."""
    return lookup(STUDIES, name, "preset of a sweep")
