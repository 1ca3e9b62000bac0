"""The methods, students and sizes of the lab as plain data, each with its knobs.

The command line, the documents and the app read these entries. A new method is one entry here and
one file in objectives/, a new student one entry in students.py and one file in models/ (see
CONTRIBUTING.md).
"""

from dataclasses import dataclass
from typing import Any, Literal

from kdcore.catalog.options import FIELD_WORDS
from kdcore.catalog.ready import ReadyParams as ReadyParams
from kdcore.catalog.students import PRETRAINED as PRETRAINED
from kdcore.catalog.students import READY as READY
from kdcore.catalog.students import SIZES as SIZES
from kdcore.catalog.students import STORED as STORED
from kdcore.catalog.students import STUDENTS as STUDENTS
from kdcore.catalog.students import BertParams as BertParams
from kdcore.catalog.students import CdssmParams as CdssmParams
from kdcore.catalog.students import EncoderParams as EncoderParams
from kdcore.catalog.students import Student as Student
from kdcore.catalog.students import TwinBertCosineParams as TwinBertCosineParams
from kdcore.catalog.students import student_entry as student_entry
from kdcore.catalog.teachers import TEACHERS as TEACHERS
from kdcore.catalog.teachers import TeacherKind as TeacherKind
from kdcore.errors import lookup
from kdcore.objectives.params import (
    FeatureParams,
    InternalParams,
    LabelAwareParams,
    RankingParams,
    RelationParams,
    ResidualParams,
    ResponseParams,
)


@dataclass(frozen=True)
class Method:
    """A way to distill: its description, its knobs, and how its batches are made.

    needs: the fields of Outputs that it reads, where its knobs do not decide that by a property of
    this name. lists: it compares the ads of a query, which must then meet in a batch. softens: its
    temperature is that of soft labels.
    """

    title: str
    summary: str
    paper: str
    params: type
    needs: frozenset[str] = frozenset({"logits"})
    lists: bool = False
    softens: bool = False

    def reads(self, params: Any = None) -> frozenset[str]:
        """The fields of Outputs that it reads with these knobs; with its defaults when None."""
        needs: frozenset[str] = getattr(params or self.params(), "needs", self.needs)
        return needs

    def teacher(self, params: Any = None) -> Literal["cached", "live"]:
        """Where the teacher's Outputs come from: computed once, or at every step."""
        return "live" if self.reads(params) - STORED else "cached"


METHODS: dict[str, Method] = {
    "response": Method(
        title="Response",
        summary="The student matches the teacher's soft labels.",
        paper="Hinton et al. 2015, arXiv:1503.02531; Ba & Caruana 2014, arXiv:1312.6184",
        params=ResponseParams,
        softens=True,
    ),
    "feature": Method(
        title="Feature",
        summary="The student's vectors resemble the teacher's, through a learned projection.",
        paper="Romero et al. 2015, FitNets, arXiv:1412.6550; Sanh et al. 2019, arXiv:1910.01108",
        params=FeatureParams,
    ),
    "relation": Method(
        title="Relation",
        summary="Pairs lie as far apart, and at the same angles, as they do for the teacher.",
        paper="Park et al. 2019, arXiv:1904.05068",
        params=RelationParams,
    ),
    "residual": Method(
        title="Residual",
        summary="An assistant learns the error that the student leaves, and its output is added.",
        paper="Gao et al. 2020, arXiv:2002.09168",
        params=ResidualParams,
    ),
    "ranking": Method(
        title="Ranking",
        summary="The student orders the ads of a query as the teacher does.",
        paper="Hofstätter et al. 2020, arXiv:2010.02666; Reddi et al. 2021, RankDistil",
        params=RankingParams,
        lists=True,
    ),
    "internal": Method(
        title="Internal",
        summary="The student attends to what the teacher attends to, layer by layer.",
        paper="Aguilar et al. 2020, arXiv:1910.03723; Wang et al. 2021, arXiv:2012.15828",
        params=InternalParams,
    ),
    "label_aware": Method(
        title="Label-aware",
        summary="The student learns label and soft label together, mostly where the two agree.",
        paper="Ours, a label-aware weighting in the spirit of Li et al. 2019, arXiv:1901.10710; "
        "not its published formula",
        params=LabelAwareParams,
        softens=True,
    ),
}


def method_entry(name: str) -> Method:
    """Return the catalog entry of a method; UnknownNameError suggests the nearest name."""
    return lookup(METHODS, name, "method")


def misfit(method: str, student: str, params: Any = None) -> str:
    """Explain why this student cannot be used with this method; an empty text when it can.

    params: the knobs of the method, which may decide what it reads; None for the defaults.
    """
    reads = method_entry(method).reads(params)
    missing = reads - student_entry(student).gives
    if not missing:
        return ""
    able = [s.title for s in STUDENTS.values() if reads <= s.gives]
    needs = " and ".join(FIELD_WORDS[name] for name in sorted(missing))
    return (
        f"{METHODS[method].title} needs {needs}, "
        f"which {STUDENTS[student].title} does not give; choose {' or '.join(able)}"
    )
