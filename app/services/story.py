"""The story of a data set: every student beside its twin without a teacher, as numbers."""

from dataclasses import dataclass

from app.services.beside import beside
from app.services.boards import Answers, Board, sources_on
from app.services.measured import evaluation
from app.services.roles import twin_of
from kdcore.evaluate import Metric


@dataclass(frozen=True)
class Rung:
    """One student: what it reaches with labels only and what with a teacher."""

    title: str
    key: str
    alone: Metric
    taught: Metric


@dataclass(frozen=True)
class Story:
    """Every student that has a twin, best last, between chance, teacher and truth."""

    metric: str
    definition: str
    rungs: tuple[Rung, ...]
    teacher: Metric | None
    truth: float


def story(board: Board, metric: str = "roc_auc") -> Story:
    """The rungs of all distilled students that answered the board's pairs."""
    offered = sources_on(board.part)
    answered = {who.key: who for who in beside(board)}
    rungs = []
    for source in offered:
        other = twin_of(offered, source)
        if other is not None and {source.key, other.key} <= answered.keys():
            couple = (answered[source.key], answered[other.key])
            taught, alone = (_measured(board, who, metric) for who in couple)
            if taught and alone:
                rungs.append(Rung(source.title.partition(" · ")[0], source.key, alone, taught))
    top = _measured(board, board.teacher, metric) if board.teacher else None
    about = top or (rungs[0].taught if rungs else None)
    ceiling = evaluation(board, board.teacher).metrics.get("truth_auc") if board.teacher else None
    return Story(
        about.name if about else metric,
        about.definition if about else "",
        tuple(sorted(rungs, key=lambda r: r.taught.value)),
        top,
        ceiling.value if ceiling and metric == "roc_auc" else float("nan"),
    )


def _measured(board: Board, who: Answers, metric: str) -> Metric | None:
    return evaluation(board, who).metrics.get(metric)
