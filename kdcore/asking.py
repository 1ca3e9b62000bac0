"""Ask a finished run: for its answers, its metrics, or the grade of a pair that a person typed."""

from collections.abc import Callable, Sequence

from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.evaluation.evaluate import evaluate as evaluate_predictions
from kdcore.evaluation.evaluated import Evaluated
from kdcore.evaluation.result_files import keep_evaluation
from kdcore.predictions import Predictions
from kdcore.runs.resolve import split_of
from kdcore.runs.store import Run, RunStore
from kdcore.softlabels import check_temperature
from kdcore.workspace import Workspace


def store(workspace: Workspace | None = None) -> RunStore:
    """The runs of a workspace."""
    return RunStore((workspace or Workspace.default()).runs)


def answers(
    run: Run | str,
    pairs: PairTable,
    workspace: Workspace,
    device: str = "auto",
    precision: str = "auto",
    watch: Callable[[int], None] | None = None,
) -> tuple[Predictions, bool]:
    """A run's logits on any pairs, and whether they were already in the workspace's cache.

    watch: called after each batch with how many are done; what it raises ends the work.
    """
    from kdcore.teachers.cached import cached_predictions

    source = run_of(run, workspace).require_model()
    return cached_predictions(
        source, pairs, workspace, device=device, precision=precision, watch=watch
    )


def evaluate(
    run: Run | str,
    split: str = "test",
    *,
    teacher: Run | str | None = None,
    rivals: Sequence[Run | str] = (),
    workspace: Workspace | None = None,
    temperature: float = 2.0,
    resamples: int = 1000,
) -> Evaluated:
    """Compute every metric of a run's predictions on a split and store it in the run's folder."""
    source, others = run_of(run, workspace), [run_of(rival, workspace) for rival in rivals]
    teacher_run = None if teacher is None else run_of(teacher, workspace)
    runs = {each.folder: each for each in (source, teacher_run, *others) if each is not None}
    loaded = {folder: predictions(each, split) for folder, each in runs.items()}
    own, pairs = loaded[source.folder], split_of(source, split, workspace)
    by_teacher = None if teacher_run is None else loaded[teacher_run.folder]
    by_rivals = tuple(loaded[other.folder] for other in others)
    evaluation = evaluate_predictions(
        pairs, own, teacher=by_teacher, temperature=temperature, resamples=resamples
    )
    evaluation = keep_evaluation(source, split, evaluation)
    return Evaluated(source, split, pairs, own, evaluation, by_teacher, by_rivals)


def predictions(run: Run, split: str = "test") -> Predictions:
    """A run's kept logits; RunError when it has none on this split, yet or at all."""
    path = run.predictions_path(split)
    if path.exists():
        return Predictions.load(path)
    raise run.no_predictions(split)


def predict(
    run: Run | str,
    query: str,
    title: str,
    description: str = "",
    *,
    temperature: float = 1.0,
    workspace: Workspace | None = None,
) -> dict[str, float]:
    """Soft labels of one typed pair: each grade's probability at a temperature."""
    from kdcore.models.build import load_model
    from kdcore.models.predict import predict_texts

    if not query.strip() or not (title.strip() or description.strip()):
        raise ConfigError("Nothing to score:", ["give a query and a title or a description"])
    check_temperature(temperature)
    model = load_model(run_of(run, workspace).require_model().model_folder)
    soft = predict_texts(model, [(query, title, description)], temperature)[0]
    return dict(zip(model.scheme.grades, map(float, soft), strict=True))


def run_of(run: Run | str, workspace: Workspace | None) -> Run:
    """A run, or the one of this name."""
    return store(workspace).get(run) if isinstance(run, str) else run
