"""The training part of a run: its teacher is asked once, then the recipe of its stage learns."""

from kdcore.config import DistillConfig, FinetuneConfig, InferConfig
from kdcore.pairs import PairTable
from kdcore.predictions import Predictions
from kdcore.recipes.distill import distill, transfer_set
from kdcore.recipes.finetune import finetune
from kdcore.recipes.infer import infer
from kdcore.recipes.interrupt import StoppedError
from kdcore.regrade import model_scheme, regraded
from kdcore.runs.record import address
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.workspace import Workspace


def train(
    config: FinetuneConfig | DistillConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    workspace: Workspace,
) -> str:
    """Leave the best model in the run; returns why training ended early, or nothing."""
    if isinstance(config, FinetuneConfig):
        return finetune(config, pairs, run, writer)
    answers = teacher_answers(config, pairs, run, writer, workspace)
    return distill(config, pairs, answers[0], run, writer, answers[1])


def teacher_answers(
    config: DistillConfig, pairs: PairTable, run: Run, writer: RunWriter, workspace: Workspace
) -> tuple[Predictions, Predictions | None]:
    """What the teacher says of the transfer set and of the labelled validation pairs, cached."""
    how = InferConfig(run=config.teacher, device=config.device)
    source = RunStore(run.folder.parent).get(config.teacher).require_model()
    transfer = transfer_set(pairs, config.transfer)
    validation = pairs.split("validation").labelled()
    watch = _Asking(writer, len(transfer) + len(validation))
    taught, _ = infer(how, transfer, source, workspace, watch)
    watch.before = len(transfer)
    if not len(validation):  # the session refuses this in words
        return taught, None
    judged, _ = infer(how, validation, source, workspace, watch)
    return taught, regraded(judged, model_scheme(source.model_folder), pairs)


class _Asking:
    """How far the teacher is asked, in pairs, and an ear for a stop: nothing is learned yet."""

    def __init__(self, writer: RunWriter, total: int) -> None:
        self.writer, self.total, self.before = writer, total, 0
        writer.progress(0, total, "teacher")

    def __call__(self, done: int) -> None:
        """Told after each batch; the pairs of a split that is done stand in `before`."""
        self.writer.progress(self.before + done, self.total, "teacher")
        if self.writer.stop_requested:
            raise StoppedError(
                "stopped as asked before the first step, so there is nothing to keep yet; "
                f"go on with `kdlab runs resume {address(self.writer.folder)}`"
            )
