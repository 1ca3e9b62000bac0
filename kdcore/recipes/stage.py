"""Run a stage: from its config to its model, its predictions, its metrics and the end record.

A training may use several devices at once (see training/ranks). When a memory is full, the
error says which batch size fits.
"""

import logging
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MultitaskConfig,
    PretrainConfig,
    StageConfig,
    TeachConfig,
    TrainedConfig,
)
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import RunError
from kdcore.models.build import load_model
from kdcore.models.predict import predict_table, score_size, stored_precision
from kdcore.recipes.after_run import measure_run
from kdcore.recipes.distill import distill
from kdcore.recipes.finetune import finetune
from kdcore.recipes.generations import last_generation
from kdcore.recipes.infer import infer
from kdcore.recipes.multitask import SCORED as SCORED
from kdcore.recipes.multitask import measure_tasks, multitask
from kdcore.recipes.mutual import Learner, all_learners, learn_together, peers_of
from kdcore.recipes.pretrain import pretrain
from kdcore.recipes.provenance import write_model_card
from kdcore.recipes.teach import teach
from kdcore.recipes.terms import scale_warnings
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.stops import heeded
from kdcore.teachers.cached import TeacherPredictions, teacher_predictions, teachers_of
from kdcore.teachers.files import file_predictions
from kdcore.teachers.shards import shard_predictions
from kdcore.training.checkpoint import seconds_before
from kdcore.training.devices import forget_peak, is_full_memory, pick_device, ranks, use_threads
from kdcore.training.interrupt import StoppedError
from kdcore.training.loop import Batches, training_batches
from kdcore.training.memory import (
    explain_full,
    largest_fitting,
    longest_batch,
    memory_error,
)
from kdcore.training.ranks.exchange import PeerLostError
from kdcore.training.ranks.group import Group, following, leading, own_rank
from kdcore.training.ranks.helpers import FULL
from kdcore.workspace import Workspace

log = logging.getLogger("kdcore")


def run_stage(
    config: StageConfig,
    run: Run,
    workspace: Workspace,
    load: Callable[[], PairTable],
    leader: RunWriter | None = None,
) -> None:
    """Do what a run's config says, from its last checkpoint where it has one.

    Leaves model/, predictions/ and a model card in its folder. A stop on request is recorded and
    raised as RunError, so that no later stage starts. leader: the writer of a run that trains it.
    """
    if own_rank() != 0:  # _follow never returns
        _follow(config, load(), run, workspace)
    sized = config if isinstance(config, InferConfig | TeachConfig) else config.training
    stop = ""
    forget_peak()
    with (
        run.write(leader) as writer,
        all_learners(config, run, writer) as learners,
        use_threads(config.threads),
        explain_full(run.folder, sized.batch_size),
    ):
        peers_first = learners[::-1]  # the run ends last: until then it can be resumed for all
        seconds = seconds_before(run.checkpoint_folder)
        try:
            pairs, message = load(), ""
            if isinstance(config, InferConfig):
                infer(config, pairs, run, writer, workspace)
            elif isinstance(config, TeachConfig):
                teach(config, pairs, run, writer)
            else:
                message = _train(config, pairs, run, writer, workspace, learners[1:])
            for each in peers_first:
                _judge(each, pairs, workspace)
        except StoppedError as error:
            stop = error.args[0]
            for each in peers_first:
                each.writer.finish("stopped", stop)
        else:
            for each in peers_first:
                each.writer.log(_last_step(each.run), seconds=seconds + writer.elapsed)
                each.writer.finish("finished", message)
    if stop:  # raised outside the block: inside it the writer would call the run failed
        raise RunError(f"{run.id} is stopped: {stop}")
    for each in peers_first:  # a finished run is never resumed
        shutil.rmtree(each.run.checkpoint_folder, ignore_errors=True)


def _judge(learner: Learner, pairs: PairTable, workspace: Workspace) -> None:
    """Score and measure a model.

    A ready teacher has scored its pairs, infer made no model, and a pretrained one gives no grades.
    """
    config, run = learner.config, learner.run
    if isinstance(config, InferConfig):
        return
    if isinstance(config, PretrainConfig):
        write_model_card(config, pairs, run)
        return
    if not isinstance(config, TeachConfig):
        _score(config, pairs, run, learner.writer)
    if isinstance(config, MultitaskConfig):
        measure_tasks(config, pairs, run)
    write_model_card(config, pairs, run)
    measure_run(config, pairs, run, workspace)


def _train(
    config: TrainedConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    workspace: Workspace,
    peers: Sequence[Learner],
) -> str:
    """Store the best model in the run; returns why the training ended early, or an empty text."""
    pick_device(config.device)  # refused before any other process is started
    heed_stop, predictions = partial(_refuse_to_begin, writer), None
    with heeded(heed_stop):
        if isinstance(config, DistillConfig):
            # before other processes start: they find the teacher's predictions in the cache
            predictions = _ask(config, pairs, run, writer, workspace)
        learn = partial(_learn, config, pairs, predictions, run, writer, peers)
        data_hash = pairs.content_hash
        try:
            with leading(config.device, config.threads, run, data_hash, heed_stop) as group:
                return learn(group)
        except Exception as error:
            if not is_full_memory(error):
                raise
            log.warning("%s", traceback.format_exc())
            # without the traceback of `error`, whose frames would keep the tensors in memory
            full = type(error)(str(error))
        # out here nothing refers to the tensors of the step that failed
        size = config.training.batch_size
        # as if all processes were there: the trial then takes the share of one
        trial_group = Group(0, ranks(config.device))

        def announce(tried: int) -> bool:
            writer.progress(0, 1, "memory", trial=tried)
            return not writer.stop_requested

        fits = largest_fitting(
            lambda tried: learn(trial_group, longest_batch, batch_size=tried), size, announce
        )
        raise memory_error(full, size, fits)


def _ask(
    config: DistillConfig, pairs: PairTable, run: Run, writer: RunWriter, workspace: Workspace
) -> TeacherPredictions | None:
    """What the teachers predict, once they are there; None where the student teaches itself."""

    def watch(done: int, total: int) -> None:
        writer.progress(done, total, "teacher")
        _refuse_to_begin(writer)

    def carry_out(generation: Run) -> None:
        run_stage(generation.config, generation, workspace, lambda: pairs, writer)

    if config.teaching.kind == "born_again":
        last_generation(config, pairs, run, writer, workspace, carry_out)
    predictions = _predictions(config, pairs, run, workspace, watch)
    if predictions is None:
        return None
    transfer = transfer_set(pairs, config.transfer_in_memory)
    writer.note(predictions.notes)
    writer.note(scale_warnings(config, transfer, predictions))
    if caveat := predictions.transfer.caveat:  # of a teacher that gives one number per pair
        writer.note([caveat.rstrip(".")])
    if predictions.test is not None:
        predictions.test.save(run.teacher_path())
    return predictions


def _predictions(
    config: DistillConfig,
    pairs: PairTable,
    run: Run,
    workspace: Workspace,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> TeacherPredictions | None:
    """The predictions of the teachers or files that a run names; None where it names none."""
    if config.teaching.files:
        return file_predictions(config, pairs, run, workspace)
    teachers = teachers_of(run)
    if config.from_shards:
        return shard_predictions(config, teachers[0], pairs, workspace)
    return teacher_predictions(config, teachers, pairs, workspace, watch) if teachers else None


def _learn(
    config: TrainedConfig,
    pairs: PairTable,
    predictions: TeacherPredictions | None,
    run: Run,
    writer: RunWriter,
    peers: Sequence[Learner],
    group: Group,
    batches: Batches = training_batches,
    batch_size: int | None = None,
) -> str:
    """Call the recipe of the stage; batch_size: instead of the config's."""
    if batch_size is not None:
        config = replace(config, training=replace(config.training, batch_size=batch_size))
    if isinstance(config, PretrainConfig):
        return pretrain(config, pairs, run, writer, group, batches)
    if isinstance(config, MultitaskConfig):
        return multitask(config, pairs, run, writer, group, batches)
    if isinstance(config, FinetuneConfig):
        return finetune(config, pairs, run, writer, group, batches)
    if peers:
        return learn_together([Learner(config, run, writer), *peers], pairs, group, batches)
    return distill(config, pairs, predictions, run, writer, group, batches)


def _score(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, writer: RunWriter
) -> None:
    """Store the trained model's predictions on the validation and test pairs."""
    last = _last_step(run)
    writer.progress(last, last, "evaluate")
    model = load_model(run.model_folder)
    for split in SCORED:
        if split in pairs.splits:
            predictions = predict_table(
                model,
                pairs.split(split),
                pick_device(config.device),
                name=run.id,
                precision=stored_precision(config.training.precision),
                batch_size=score_size(config.training.batch_size),
            )
            predictions.save(run.predictions_path(split))
    if "test" in pairs.splits:
        writer.note(model.cut_notes(model.read(pairs.split("test")), "test"))


def _follow(config: StageConfig, pairs: PairTable, run: Run, workspace: Workspace) -> NoReturn:
    """Learn as another rank than the first, which alone writes and reports; then exit."""
    try:
        if not isinstance(config, InferConfig | TeachConfig):  # the first rank scores alone
            with following(config.device, config.threads, pairs.content_hash) as group:
                predictions = None
                if isinstance(config, DistillConfig):
                    # from the cache: rank 0 has filled it
                    predictions = _predictions(config, pairs, run, workspace)
                writer = run.write()  # never entered, so it writes nothing
                _learn(config, pairs, predictions, run, writer, peers_of(config, run), group)
    except PeerLostError:  # rank 0 has ended, early or not; it has told why
        sys.exit(0)
    except Exception as error:
        traceback.print_exc()
        sys.exit(FULL if is_full_memory(error) else 1)
    sys.exit(0)


def _refuse_to_begin(writer: RunWriter) -> None:
    """Raise StoppedError when a stop was requested before the first step."""
    if writer.stop_requested:
        message = "stopped on request before any further training, so there is nothing new to keep"
        raise StoppedError(message, writer.folder)


def _last_step(run: Run) -> int:
    return int(max((line["step"] for line in run.metrics()), default=0))
