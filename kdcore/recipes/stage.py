"""A run from its config to its end: the stage itself, the scores of what it trained, the record."""

import shutil
from collections.abc import Callable
from functools import partial

from kdcore.config import DistillConfig, FinetuneConfig, InferConfig, StageConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable, part_of
from kdcore.errors import RunError
from kdcore.models.build import load_model
from kdcore.models.predict import score_size
from kdcore.recipes.after_run import keep_beside
from kdcore.recipes.infer import Scoring, ask, infer, measured
from kdcore.recipes.provenance import write_card
from kdcore.recipes.train import follow, train
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.stops import heeded
from kdcore.training.checkpoint import seconds_before
from kdcore.training.devices import forget_peak, use_threads
from kdcore.training.interrupt import StoppedError
from kdcore.training.memory import in_plain_words
from kdcore.training.ranks import own_rank
from kdcore.workspace import Workspace

SCORED = ("validation", "test")


def carry_out(
    config: StageConfig, run: Run, workspace: Workspace, load: Callable[[], PairTable]
) -> None:
    """Do what a run's config says, from its last checkpoint where it has one.

    Leaves model/, predictions/ and a model card in the run's folder. A stop that was asked for
    is written down and raised as RunError, so that what would come next is not begun.
    """
    if own_rank():
        follow(config, load(), run, workspace)
    size = config.batch_size if isinstance(config, InferConfig) else config.training.batch_size
    stopped = ""
    forget_peak()
    with run.write() as writer, use_threads(config.threads), in_plain_words(run.folder, size):
        before = seconds_before(run.checkpoint_folder)
        try:
            message = _stage(config, load(), run, writer, workspace)
        except StoppedError as stop:
            stopped = str(stop)
            writer.finish("stopped", stopped)
        else:
            writer.log(_last_step(run), seconds=before + writer.elapsed)
            writer.finish("finished", message)
    if stopped:  # raised out here: the writer would call the run failed
        raise RunError(f"{run.id} is stopped: {stopped}")
    shutil.rmtree(run.checkpoint_folder, ignore_errors=True)  # a finished run is never resumed


def _stage(
    config: StageConfig, pairs: PairTable, run: Run, writer: RunWriter, workspace: Workspace
) -> str:
    """Do the work; returns why it ended before its time, or nothing."""
    if isinstance(config, InferConfig):
        _infer(config, pairs, run, writer, workspace)
        return ""
    message = train(config, pairs, run, writer, workspace)
    _score(config, pairs, run, writer)
    write_card(config, pairs, run)
    keep_beside(config, pairs, run, workspace)
    return message


def _infer(
    config: InferConfig, pairs: PairTable, run: Run, writer: RunWriter, workspace: Workspace
) -> None:
    source = RunStore(run.folder.parent).get(config.run).require_model()
    parts = {split: part_of(pairs, split) for split in config.splits or pairs.splits}
    watch = Scoring(writer, sum(map(len, parts.values())))
    for split, part in parts.items():
        with heeded(partial(watch, 0)):
            answers, _ = infer(measured(config), part, source, workspace, watch)
        known = regraded(answers, model_scheme(source.model_folder), pairs)
        known.save(run.predictions_path(split))
        watch.split_done(len(part))


def _score(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, writer: RunWriter
) -> None:
    """Keep the trained model's predictions on the splits that are looked at."""
    writer.progress(_last_step(run), _last_step(run), "evaluate")
    model = load_model(run.model_folder)
    how = InferConfig(
        run=run.id,
        device=config.device,
        precision=config.training.precision,
        batch_size=score_size(config.training.batch_size),
    )
    for split in SCORED:
        if split in pairs.splits:
            answers = ask(model, measured(how), pairs.split(split), run.id)
            answers.save(run.predictions_path(split))
    if "test" in pairs.splits:
        writer.note(model.cut_notes(model.read(pairs.split("test")), "test"))


def _last_step(run: Run) -> int:
    return int(max((line["step"] for line in run.metrics()), default=0))
