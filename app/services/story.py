"""The story of a data set: every student beside its twin, other models by their own value."""

from dataclasses import dataclass

from app.services import access
from app.services.answers import Answers, Source, sources_on
from app.services.boards import Board, beside
from app.services.measured import evaluation
from app.services.roles import role_of, twin_of
from app.services.runs.names import model_name
from kdcore.evaluation.evaluate import Metric

LADDER = 5  # own students, and as many imported models, that are shown at most


@dataclass(frozen=True)
class Rung:
    """One student: what it reaches with labels only and what with a teacher.

    alone: None for a model whose twin is not here; taught is then its own value. newest: whether
    it is the visitor's newest run, set beside the story of the bundled ones. brought: whether it
    was imported, so that how it was trained is not known here.
    """

    title: str
    key: str
    alone: Metric | None
    taught: Metric
    newest: bool = False
    brought: bool = False


@dataclass(frozen=True)
class Story:
    """Students between chance, teacher and truth.

    rungs: the bundled ones, best last, so that the picture is the same at every visit, and after
    them the visitor's newest; where none is bundled, the newest ones of the visitor. Below them
    the imported models: students with their twins, other models alone.
    """

    metric: str
    definition: str
    rungs: tuple[Rung, ...]
    teacher: Metric | None
    truth: float


def story(board: Board, metric: str = "roc_auc") -> Story:
    """The rungs of the students and imported models that have scored the board's pairs."""
    rungs = _rungs(board, metric)
    top = _measured(board, board.teacher, metric) if board.teacher else None
    metric_shown = top or (rungs[0].taught if rungs else None)
    ceiling = evaluation(board, board.teacher).metrics.get("truth_auc") if board.teacher else None
    return Story(
        metric_shown.name if metric_shown else metric,
        metric_shown.definition if metric_shown else "",
        tuple(rungs),
        top,
        ceiling.value if ceiling and metric == "roc_auc" else float("nan"),
    )


def _rungs(board: Board, metric: str) -> list[Rung]:
    offered = sources_on(board.part)
    answered = {model.key: model for model in beside(board)}
    couples = [(s, other) for s in offered if (other := twin_of(offered, s)) is not None]
    couples = [(s, other) for s, other in couples if {s.key, other.key} <= answered.keys()]
    bundled = [each for each in couples if _is_bundled(each[0])]
    own = [each for each in couples if each[0].run and not _is_bundled(each[0])]
    own.sort(key=lambda each: each[0].run.created if each[0].run else 0.0)

    def rung(source: Source, other: Source, newest: bool) -> Rung | None:
        taught, alone = (_measured(board, answered[s.key], metric) for s in (source, other))
        title = model_name(source.run, source.title) if _is_bundled(source) else source.title
        return Rung(title, source.key, alone, taught, newest) if taught and alone else None

    rungs = [r for s, other in bundled if (r := rung(s, other, False))]
    rungs.sort(key=lambda r: r.taught.value)
    latest = own[-1:] if bundled else own[-LADDER:]
    newest = (r for s, other in latest if (r := rung(s, other, bool(bundled))))
    return [*rungs, *newest, *_imported_rungs(board, offered, answered, metric)]


def _imported_rungs(
    board: Board, offered: list[Source], answered: dict[str, Answers], metric: str
) -> list[Rung]:
    """Students and other models that were imported; teacher and twins stand in no row."""
    teacher = board.teacher.key if board.teacher else ""
    shown = [
        source
        for source in offered
        if source.run is None
        and source.key in answered
        and source.key != teacher
        and role_of(source, offered) in ("student", "other")
    ]
    rungs = []
    for source in shown[:LADDER]:
        twin = twin_of(offered, source)
        of_twin = answered.get(twin.key) if twin else None
        alone = _measured(board, of_twin, metric) if of_twin else None
        if taught := _measured(board, answered[source.key], metric):
            rungs.append(Rung(source.title, source.key, alone, taught, brought=True))
    return rungs


def _is_bundled(source: Source) -> bool:
    return source.run is not None and source.run.folder.parent == access.demo().runs


def _measured(board: Board, who: Answers, metric: str) -> Metric | None:
    return evaluation(board, who).metrics.get(metric)
