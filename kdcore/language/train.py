"""Train a masked-word model: a BERT on hidden words, or a student of it.

A training is a folder (kdcore.language.runs): it shows its progress there, stops on request, and
goes on from its last checkpoint to the same weights.
"""

import shutil
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdcore.errors import RunError
from kdcore.language.execution import Watch, carry_out, finished
from kdcore.language.learners import Learner, learner_of
from kdcore.language.measure import results_of
from kdcore.language.plan import ERRANDS, MaskedPlan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import RESULTS, MaskedRun
from kdcore.runs.writer import RunWriter
from kdcore.training.checkpoint import Checkpoints, Parts, Progress
from kdcore.training.interrupt import InterruptFlag
from kdcore.training.optimizer import make_optimizer, take_step
from kdcore.workspace import Workspace, new_folder, write_json_atomic


def train(run: MaskedRun, workspace: Workspace) -> None:
    """Train a model, from its last checkpoint where there is one, and measure it.

    KeyboardInterrupt after Ctrl-C, RunError after another request to stop: what was done is saved.
    """
    plan = run.plan
    assert isinstance(plan, MaskedPlan)

    def work(writer: RunWriter, device: torch.device) -> str:
        learner = learner_of(plan, device, workspace)
        writer.note(learner.notes)
        if stop := _fit(learner, plan, run, writer):
            return stop
        writer.progress(plan.steps, plan.steps, "evaluate")
        results = results_of(learner.net, learner.unseen, *learner.theirs())
        write_json_atomic(run.folder / RESULTS, results)
        _save(learner, plan, run.model_folder)
        return ""

    carry_out(run, work)
    shutil.rmtree(run.folder / "checkpoint", ignore_errors=True)


def train_pair(
    teacher: TeacherPlan, student: StudentPlan, workspace: Workspace, watch: Watch
) -> dict[str, Path]:
    """Train a teacher and its student under these names; return the folders of both models.

    What is finished is used again.
    """
    plans = {"teacher": teacher, "student": replace(student, teacher="teacher")}
    return {
        name: trained(name, plan, workspace, watch).model_folder for name, plan in plans.items()
    }


def trained(name: str, plan: MaskedPlan, workspace: Workspace, watch: Watch) -> MaskedRun:
    """The finished model of this name, trained now where it is not finished."""
    return finished(name, plan, workspace, watch, train)


def _fit(learner: Learner, plan: MaskedPlan, run: MaskedRun, writer: RunWriter) -> str:
    """Take the plan's steps; return why it stopped before the last one, or an empty text."""
    net, device = learner.net, learner.device
    optimizer = make_optimizer([net], plan.optimizer, device)
    checkpoints = Checkpoints(run.folder / "checkpoint", {"model": net}, optimizer, device)
    here, pending = _start(checkpoints, learner.key, run)
    writer.truncate_after(here.step or -1)
    net.train()
    saved = clock = time.monotonic()
    tokens = 0
    batches = learner.batches(plan.batch_size, plan.seed, here.step)
    with InterruptFlag() as interrupt:
        for batch in islice(batches, plan.steps - here.step):
            losses, count = _step(learner, plan, optimizer, here.step, batch)
            here, tokens = replace(here, step=here.step + 1), tokens + count
            pending.append(losses)
            if here.step % plan.log_every == 0 or here.step == plan.steps:
                rate = tokens / max(time.monotonic() - clock, 1e-9)
                writer.log(here.step, tokens_per_second=rate, **_means(pending, run))
                pending, tokens, clock = [], 0, time.monotonic()
            writer.progress(here.step, plan.steps, plan.stage)
            stops = interrupt.raised or writer.stop_requested
            if stops or time.monotonic() - saved >= plan.checkpoint_seconds:
                checkpoints.save(here, pending)
                saved = time.monotonic()
            if interrupt.raised:
                raise KeyboardInterrupt
            if stops and here.step < plan.steps:
                return f"stopped on request at step {here.step} of {plan.steps}"
    net.eval()
    return ""


def _start(checkpoints: Checkpoints, texts: str, run: MaskedRun) -> tuple[Progress, Parts]:
    """Restore the last checkpoint; its step, and losses of steps that no metric line holds yet."""
    past = checkpoints.progress()
    if past is None:
        return Progress(0, 0, 0.0, texts, ""), []
    if past.data_hash != texts:
        raise RunError(f"{run.id} cannot go on, because its texts have changed; start a new one")
    return checkpoints.restore()[0]


def _step(
    learner: Learner, plan: MaskedPlan, optimizer: Any, step: int, batch: Any
) -> tuple[dict[str, Tensor], int]:
    """Take one step on a batch; its losses, and how many tokens it had."""
    (total, parts), tokens = learner.loss(batch, step / plan.steps)
    total.backward()  # type: ignore[no-untyped-call]
    take_step(optimizer, plan.optimizer, step, plan.steps)
    losses = {"loss": total.detach(), **{name: part.detach() for name, part in parts.items()}}
    return losses, tokens


def _means(pending: Parts, run: MaskedRun) -> dict[str, float]:
    """The mean of each loss since the last line; RunError for one that is not a number."""
    means = {n: float(torch.stack([each[n] for each in pending]).mean()) for n in pending[0]}
    if means["loss"] - means["loss"] != 0:
        raise RunError(
            f"the loss of {run.id} is not a number: start it again with a lower learning_rate"
        )
    return means


CARD = """# {name}

Fills the gap of a sentence such as "{example}". {how} Trained on {texts:,} texts of {data} (seed
{seed}); its tokenizer has {pieces:,} word pieces. Loads with `AutoModelForMaskedLM`.{terms}
"""
HOW = {
    TeacherPlan.stage: "Learned as BERT does: hidden words, cross-entropy.",
    StudentPlan.stage: "A DistilBERT, distilled with the three losses of arXiv:1910.01108.",
    StoreStudentPlan.stage: "Learned from stored logits of a teacher.",
}


def _save(learner: Learner, plan: MaskedPlan, folder: Path) -> None:
    """Write the model in half precision: half the bytes, and the same first words."""
    errands = plan.data == ERRANDS
    card = CARD.format(
        name="Masked-word teacher of KD Lab"
        if plan.stage == TeacherPlan.stage
        else "Masked-word student of KD Lab",
        example="Let's go to the [MASK] and buy some snacks!" if errands else "red [MASK] shoes",
        how=HOW[plan.stage],
        texts=learner.texts,
        data="the lab's own errand grammar" if errands else plan.data,
        seed=plan.seed,
        pieces=len(learner.units),
        terms=" Same license as KD Lab." if errands else "",
    )
    with new_folder(folder, replace=True) as fresh:
        learner.net.cpu().half().save_pretrained(fresh)
        learner.units.save(fresh)
        (fresh / "README.md").write_text(card, encoding="utf-8")
