"""The story of a data set: every student beside its twin without a teacher, as numbers."""

from dataclasses import dataclass

from app.services import places
from app.services.beside import beside
from app.services.boards import Answers, Board, Source, sources_on
from app.services.measured import evaluation
from app.services.roles import twin_of
from kdcore.evaluate import Metric

LADDER = 5  # own students that are shown where no bundled one is


@dataclass(frozen=True)
class Rung:
    """One student: what it reaches with labels only and what with a teacher.

    newest: whether it is the visitor's newest run, set beside the story of the bundled ones.
    """

    title: str
    key: str
    alone: Metric
    taught: Metric
    newest: bool = False


@dataclass(frozen=True)
class Story:
    """Students that have a twin, between chance, teacher and truth.

    rungs: the bundled ones, best last, so that the picture is the same at every visit, and after
    them the visitor's newest; where none is bundled, the newest ones of the visitor.
    """

    metric: str
    definition: str
    rungs: tuple[Rung, ...]
    teacher: Metric | None
    truth: float


def story(board: Board, metric: str = "roc_auc") -> Story:
    """The rungs of the distilled students that answered the board's pairs."""
    rungs = _rungs(board, metric)
    top = _measured(board, board.teacher, metric) if board.teacher else None
    about = top or (rungs[0].taught if rungs else None)
    ceiling = evaluation(board, board.teacher).metrics.get("truth_auc") if board.teacher else None
    return Story(
        about.name if about else metric,
        about.definition if about else "",
        tuple(rungs),
        top,
        ceiling.value if ceiling and metric == "roc_auc" else float("nan"),
    )


def _rungs(board: Board, metric: str) -> list[Rung]:
    offered = sources_on(board.part)
    answered = {who.key: who for who in beside(board)}
    couples = [(s, other) for s in offered if (other := twin_of(offered, s)) is not None]
    couples = [(s, other) for s, other in couples if {s.key, other.key} <= answered.keys()]
    bundled = [each for each in couples if _is_bundled(each[0])]
    own = [each for each in couples if not _is_bundled(each[0])]
    own.sort(key=lambda each: each[0].run.created if each[0].run else 0.0)

    def rung(source: Source, other: Source, newest: bool) -> Rung | None:
        taught, alone = (_measured(board, answered[s.key], metric) for s in (source, other))
        title = source.title.partition(" · ")[0] if _is_bundled(source) else source.title
        return Rung(title, source.key, alone, taught, newest) if taught and alone else None

    found = [r for s, other in bundled if (r := rung(s, other, False))]
    found.sort(key=lambda r: r.taught.value)
    latest = own[-1:] if bundled else own[-LADDER:]
    return [*found, *(r for s, other in latest if (r := rung(s, other, bool(bundled))))]


def _is_bundled(source: Source) -> bool:
    return source.run is not None and source.run.folder.parent == places.demo().runs


def _measured(board: Board, who: Answers, metric: str) -> Metric | None:
    return evaluation(board, who).metrics.get(metric)
