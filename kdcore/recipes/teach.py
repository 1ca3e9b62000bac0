"""Teach: score validation and test with a ready classifier and its own head; train nothing."""

from functools import partial

from kdcore.config import TeachConfig
from kdcore.data.answers.imported import LEAST_TO_FIT
from kdcore.data.pairs import PairTable
from kdcore.judging.score_card import FLAT, score_card
from kdcore.models.build import new_model
from kdcore.models.predict import predict_table, stored_precision
from kdcore.models.ready import Ready
from kdcore.predictions import Predictions
from kdcore.recipes.calibration import calibrate, can_calibrate
from kdcore.recipes.infer import Progress
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.scores import Scores
from kdcore.stops import heeded
from kdcore.training.devices import pick_device
from kdcore.workspace import new_folder

SCORED = ("validation", "test")


def teach(config: TeachConfig, pairs: PairTable, run: Run, writer: RunWriter) -> None:
    """Store the classifier as the run's model, and its predictions; calibrate where asked to.

    One logit gets its cuts between more than two grades from the labelled validation pairs;
    without such pairs its numbers are a free score: only their order has a meaning.
    """
    parts = {split: pairs.split(split) for split in SCORED if split in pairs.splits}
    labelled = parts["validation"].labelled() if "validation" in parts else None
    fitting = labelled if labelled is not None and can_calibrate(labelled) else None
    model = new_model(config.model, pairs, config.seed)
    assert isinstance(model, Ready)
    writer.note(model.notes)
    fitted = fitting is not None and (config.calibrate or model.link is not None)
    progress = Progress(writer, sum(map(len, parts.values())) + len(fitting or ()) * fitted)
    score = partial(_score, model, config, run, progress)
    if fitted and fitting is not None:
        raw = score(fitting).logits
        writer.note([calibrate(model, raw, fitting)])
        if model.link is not None:
            model.kind = "score"  # its probabilities are made of the labels, too
    else:
        writer.note([_uncalibrated(model)])
    with new_folder(run.model_folder, replace=True) as folder:
        model.save(folder)
    for split, part in parts.items():
        predictions = score(part)
        predictions.save(run.predictions_path(split))
        if split == next(iter(parts)):
            writer.note(_scale(predictions, part, split))
        writer.note(model.cut_notes(model.read(part), split))
    if caveat := predictions.caveat:
        writer.note([caveat.rstrip(".")])


def _score(
    model: Ready, config: TeachConfig, run: Run, progress: Progress, part: PairTable
) -> Predictions:
    with heeded(partial(progress, 0)):
        predictions = predict_table(
            model,
            part,
            pick_device(config.device),
            name=run.id,
            precision=stored_precision(config.precision),
            batch_size=config.batch_size,
            watch=progress,
        )
    progress.end_split(len(part))
    return predictions


def _uncalibrated(model: Ready) -> str:
    if model.link is None:
        return "not calibrated: --calibrate fits T and a bias on labelled validation pairs"
    return (
        f"it gives one number and the data have {len(model.scheme)} grades; cuts between the "
        f"grades are fitted on at least {LEAST_TO_FIT} relevant and {LEAST_TO_FIT} other labelled "
        "validation pairs, which these data lack: only its order has a meaning"
    )


def _scale(predictions: Predictions, part: PairTable, split: str) -> list[str]:
    """The score card of its scale in sentences."""
    scores = Scores.of(predictions, part.scheme).log_odds
    card = score_card(scores, part.query_ids, part.grades, ready=True)
    if not card.lists:
        return []
    note = (
        f"its log-odds of a relevant grade have a standard deviation of {card.deviation:.2g} "
        f"within a query (median of {card.lists:,} lists of {split})"
    )
    if card.correlation == card.correlation:
        note += f", and a mean rank correlation with the grades of {card.correlation:.2f}"
    if card.spread >= FLAT:
        note += f"; for ranking losses T = {card.suggested_temperature:.2g} is a start"
    return [note, *(warning.rstrip(".") for warning in card.warnings)]
