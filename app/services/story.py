"""The story of a data set: every student beside its twin, other models by their own value."""

from dataclasses import dataclass
from math import isfinite

from app.services import access
from app.services.answers import Answers, Source, sources_on
from app.services.boards import Board, all_models
from app.services.evaluations import evaluation
from app.services.roles import role_of, twin_of
from app.services.runs.names import model_name
from kdcore.evaluation.evaluate import Metric

LADDER = 5  # own students, and as many imported models, that are shown at most


@dataclass(frozen=True)
class Rung:
    """One student: what it reaches, and what its twin does; None where the twin is not here.

    newest: whether it is the visitor's newest run, set beside the story of the bundled ones.
    imported: made elsewhere, so that how it was trained is not known here.
    """

    title: str
    key: str
    metric: Metric
    twin: Metric | None
    newest: bool = False
    imported: bool = False


@dataclass(frozen=True)
class Story:
    """Students between chance, teacher and truth.

    rungs: the bundled ones, best last, so that the picture is the same at every visit, and after
    them the visitor's newest; where none is bundled, the newest ones of the visitor. Below them
    the imported models: students with their twins, other models by themselves.
    """

    metric: str
    definition: str
    rungs: tuple[Rung, ...]
    teacher: Metric | None
    truth: Metric | None


def story(board: Board, metric: str = "roc_auc") -> Story:
    """The rungs of the students and imported models that have scored the board's pairs."""
    offered = sources_on(board.all_pairs)
    models = {model.key: model for model in all_models(board)}
    rungs = [
        *_rungs_of_runs(board, offered, models, metric),
        *_rungs_of_imported(board, offered, models, metric),
    ]
    of_teacher = evaluation(board, board.teacher).metrics if board.teacher else {}
    top, ceiling = of_teacher.get(metric), of_teacher.get("truth_auc")
    named = top or (rungs[0].metric if rungs else None)
    return Story(
        named.name if named else metric,
        named.definition if named else "",
        tuple(rungs),
        top,
        ceiling if ceiling and isfinite(ceiling.value) and metric == "roc_auc" else None,
    )


def _rungs_of_runs(
    board: Board, offered: list[Source], models: dict[str, Answers], metric: str
) -> list[Rung]:
    """Trained students that have a twin: the bundled ones, best last, and the visitor's newest."""
    bundled: list[tuple[float, Source, Source]] = []
    own: list[tuple[float, Source, Source]] = []
    for source in offered:
        twin = twin_of(offered, source) if source.run else None
        if source.run and twin and {source.key, twin.key} <= models.keys():
            is_bundled = source.run.folder.parent == access.demo().runs
            (bundled if is_bundled else own).append((source.run.created, source, twin))

    def rung(source: Source, twin: Source, title: str, newest: bool) -> Rung | None:
        reached, of_twin = (_value(board, models[s.key], metric) for s in (source, twin))
        return Rung(title, source.key, reached, of_twin, newest) if reached and of_twin else None

    shipped = [rung(s, twin, model_name(s.run, s.title), False) for _, s, twin in bundled]
    own.sort(key=lambda each: each[0])
    newest = own[-1:] if bundled else own[-LADDER:]
    return [
        *sorted((r for r in shipped if r), key=lambda r: r.metric.value),
        *(r for _, s, twin in newest if (r := rung(s, twin, s.title, bool(bundled)))),
    ]


def _rungs_of_imported(
    board: Board, offered: list[Source], models: dict[str, Answers], metric: str
) -> list[Rung]:
    """Students and other models that were imported; teacher and twins stand in no row."""
    shown = [
        source
        for source in offered
        if source.run is None
        and source.key in models
        and not (board.teacher and source.key == board.teacher.key)
        and role_of(source, offered) in ("student", "other")
    ]
    rungs = []
    for source in shown[:LADDER]:
        twin = twin_of(offered, source)
        of_twin = _value(board, models[twin.key], metric) if twin and twin.key in models else None
        if reached := _value(board, models[source.key], metric):
            rungs.append(Rung(source.title, source.key, reached, of_twin, imported=True))
    return rungs


def _value(board: Board, model: Answers, metric: str) -> Metric | None:
    return evaluation(board, model).metrics.get(metric)
