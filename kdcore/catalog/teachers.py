"""The kinds of teacher as plain data, each with its knobs."""

from dataclasses import dataclass
from typing import Literal

from kdcore.knobs import choice, knob, text

# what the numbers of a file may be; kdcore.data.answers.choice.KINDS says each in words
FILE_KINDS = ("logits", "probabilities", "relevance", "logit", "score", "label_score", "grade")


@dataclass(frozen=True)
class TeacherKind:
    """A kind of teacher: its description, its knobs, and what it gives to a method.

    names: what its short text names before the knobs: a run, several runs, students, files of
    scores, or nothing.
    gives: fields of Outputs; None for all that its model gives.
    """

    title: str
    summary: str
    paper: str
    params: type
    names: Literal["run", "runs", "students", "files", ""] = ""
    gives: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class NoKnobs:
    """A teacher without knobs."""


@dataclass(frozen=True, kw_only=True)
class EnsembleParams:
    """Knobs of several runs that teach together."""

    average: str = choice(
        "probabilities",
        "what is averaged: probabilities at T = 1, which are less certain where the members "
        "disagree; or logits, where the member with the largest scale counts most",
        options=("probabilities", "logits"),
    )


@dataclass(frozen=True, kw_only=True)
class FileParams:
    """Knobs of scores that were computed elsewhere; several files are averaged."""

    kind: str = choice(
        "auto",
        "what its numbers are; auto decides by column names and values",
        options=("auto", *FILE_KINDS),
    )
    column: str = text("", "the column with the number or the grade; empty: found by its name")
    smoothing: float = knob(
        0.1, "of grades: share of the probability spread evenly over all grades", low=0, high=0.99
    )
    weights: str = text("", "of several files: one weight each, as in 2+1; empty: equal weights")
    average: str = choice(
        "probabilities",
        "what is averaged of several files: probabilities at T = 1, or logits",
        options=("probabilities", "logits"),
    )


@dataclass(frozen=True, kw_only=True)
class BornAgainParams:
    """Knobs of a student that is taught by its earlier generations."""

    generations: int = knob(
        3, "students trained one after another, the one on labels included", low=2, high=10
    )


@dataclass(frozen=True, kw_only=True)
class EmaParams:
    """Knobs of a moving average of the student's own weights."""

    decay: float = knob(
        0.999,
        "share of the average that a step keeps; the first steps keep less, step n at most n/(n+1)",
        low=0,
        high=0.99999,
    )


TEACHERS: dict[str, TeacherKind] = {
    "run": TeacherKind(
        title="One run",
        summary="A finished run, whose predictions are computed once.",
        paper="Hinton et al. 2015, arXiv:1503.02531",
        params=NoKnobs,
        names="run",
    ),
    "ensemble": TeacherKind(
        title="Several runs",
        summary="Finished runs teach together: the mean of their predictions, computed once.",
        paper="Hinton et al. 2015, arXiv:1503.02531",
        params=EnsembleParams,
        names="runs",
        gives=frozenset({"logits"}),
    ),
    "file": TeacherKind(
        title="File of scores",
        summary="Scores from elsewhere, for some or all pairs to learn from: logits, "
        "probabilities, a relevance, a free score, or grades of a judge. Pairs without a score "
        "are learned from their labels only.",
        paper="Hinton et al. 2015, arXiv:1503.02531; ours: how one number or grade becomes soft "
        "labels",
        params=FileParams,
        names="files",
        gives=frozenset({"logits"}),
    ),
    "born_again": TeacherKind(
        title="Its earlier generations",
        summary="Generation 1 learns from labels, each later one, of the same kind, from the one "
        "before; the run is the last of them.",
        paper="Furlanello et al. 2018, arXiv:1805.04770; ours: all start from one seed",
        params=BornAgainParams,
    ),
    "peer": TeacherKind(
        title="Peers",
        summary="Students learn together, from the labels and from each other's soft labels; each "
        "is a run.",
        paper="Zhang et al. 2018, deep mutual learning, arXiv:1706.00384; ours: all move at once",
        params=NoKnobs,
        names="students",
        gives=frozenset({"logits"}),
    ),
    "ema": TeacherKind(
        title="Its own average",
        summary="The student learns from a moving average of its own weights, without an outside "
        "teacher.",
        paper="in the spirit of Tarvainen & Valpola 2017, mean teacher, arXiv:1703.01780; without "
        "its noise and its ramp of the weight",
        params=EmaParams,
    ),
}
