"""Train a masked-word model: a BERT on hidden words, or a DistilBERT from it with three losses.

A training is a folder (kdcore.language.runs): it shows its progress there, stops on request, and
goes on from its last checkpoint to the same weights.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kdcore.errors import RunError
from kdcore.language.corpus import Corpus, Sources, sources
from kdcore.language.losses import UNSEEN, DistilLosses, hidden_words
from kdcore.language.measure import results_of
from kdcore.language.model import MaskedModel, fetch
from kdcore.language.plan import ERRANDS, MaskedPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import RESULTS, MaskedRun, MaskedStore
from kdcore.language.start import new_student, new_teacher
from kdcore.language.words import learn_words
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.writer import RunWriter
from kdcore.training.checkpoint import Checkpoints, Parts, Progress
from kdcore.training.devices import pick_device, use_threads
from kdcore.training.interrupt import InterruptFlag
from kdcore.training.optimizer import make_optimizer, take_step
from kdcore.workspace import Workspace, new_folder, write_json_atomic

Losses = tuple[Tensor, Mapping[str, Tensor]]  # of a batch: the sum, and its parts unweighted
Watch = Callable[[str, Any], None]  # called with a title and the run that begins


@dataclass(frozen=True)
class Learner:
    """A model that is to be trained, its texts, and its loss of (ids, types, labels).

    teacher: a student's teacher. notes: sentences on how it starts.
    """

    net: Any
    units: WordPiece
    corpus: Corpus
    unseen: Corpus
    loss: Callable[[Tensor, Tensor, Tensor], Losses]
    teacher: Any = None
    notes: tuple[str, ...] = ()


def train(run: MaskedRun, workspace: Workspace) -> None:
    """Train a model, from its last checkpoint where there is one, and measure it.

    KeyboardInterrupt after Ctrl-C, RunError after another request to stop: what was done is saved.
    """
    plan, stop, interrupted = run.plan, "", False
    device = pick_device(plan.device)
    devices = [device] if device.type == "cuda" else []
    with (
        RunWriter(run.folder) as writer,
        use_threads(plan.threads),
        torch.random.fork_rng(devices),
    ):
        torch.manual_seed(plan.seed)
        try:
            learner = _learner(plan, device, workspace)
            writer.note(learner.notes)
            stop = _fit(learner, plan, run, writer)
        except KeyboardInterrupt:
            stop, interrupted = "stopped by Ctrl-C", True
        if stop:
            stop = f"{stop}; continue with `kdlab masked resume {run.id}`"
            writer.finish("stopped", stop)
        else:
            writer.progress(plan.steps, plan.steps, "evaluate")
            results = results_of(learner.net, learner.teacher, learner.unseen)
            write_json_atomic(run.folder / RESULTS, results)
            _save(learner, plan, run.model_folder)
            writer.finish("finished")
    if interrupted:
        raise KeyboardInterrupt(stop)
    if stop:
        raise RunError(f"{run.id} is stopped: {stop}")
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
    store = MaskedStore(workspace)
    run = store.find(name) or store.create(plan, name)
    if run.status().state != "finished":
        watch(name, run)
        train(run, workspace)
    return run


def _learner(plan: MaskedPlan, device: torch.device, workspace: Workspace) -> Learner:
    seen, unseen = sources(plan, workspace)
    if isinstance(plan, StudentPlan):
        return _student(plan, seen, unseen, device, workspace)
    assert isinstance(plan, TeacherPlan)
    return _teacher(plan, seen, unseen, device)


def _teacher(plan: TeacherPlan, seen: Sources, unseen: Sources, device: torch.device) -> Learner:
    """A BERT that learns its hidden words."""
    texts = seen.distinct()
    errands = plan.data == ERRANDS
    units = learn_words(texts) if errands else WordPiece.train(texts, plan.vocabulary)
    net = new_teacher(plan, units).to(device)
    corpus = Corpus.of(seen, units, device, plan.smoothing)
    held_out = Corpus.of(unseen, units, device)

    def loss(ids: Tensor, types: Tensor, labels: Tensor) -> Losses:
        attended = (ids != corpus.pad).long()
        states = net.bert(input_ids=ids, attention_mask=attended, token_type_ids=types)[0]
        hidden = labels != UNSEEN  # the head is the dear part: it reads the hidden words only
        mlm = hidden_words(net.cls(states[hidden])[None], labels[hidden][None])
        return mlm, {"mlm": mlm}

    return Learner(net, units, corpus, held_out, loss)


def _student(
    plan: StudentPlan, seen: Sources, unseen: Sources, device: torch.device, workspace: Workspace
) -> Learner:
    """A DistilBERT that learns the teacher's soft labels, the hidden words and the last states.

    Sanh et al. 2019 (arXiv:1910.01108).
    """
    source = MaskedStore(workspace).teacher_of(plan)
    fetch(source)
    model = MaskedModel.load(source)
    teacher, units = model.net.to(device), WordPiece(model.tokenizer)
    student, chosen = new_student(plan, teacher)
    student.to(device)
    corpus = Corpus.of(seen, units, device, plan.smoothing)
    held_out = Corpus.of(unseen, units, device)
    losses = DistilLosses.of(plan)

    def loss(ids: Tensor, types: Tensor, labels: Tensor) -> Losses:
        attended = ids != corpus.pad
        inputs = {"input_ids": ids, "attention_mask": attended.long(), "output_hidden_states": True}
        theirs = None
        if losses.needs_teacher:
            with torch.no_grad():
                theirs = teacher(**inputs, token_type_ids=types)
        return losses(student(**inputs), theirs, labels, attended)

    layers = ", ".join(map(str, chosen))
    start = f"started from layers {layers} of its teacher (0-based)" if chosen else "random start"
    return Learner(student, units, corpus, held_out, loss, teacher, (start,))


def _fit(learner: Learner, plan: MaskedPlan, run: MaskedRun, writer: RunWriter) -> str:
    """Take the plan's steps; return why it stopped before the last one, or an empty text."""
    net, device = learner.net, learner.corpus.ids.device
    optimizer = make_optimizer([net], plan.optimizer, device)
    checkpoints = Checkpoints(run.folder / "checkpoint", {"model": net}, optimizer, device)
    here, pending = _start(checkpoints, learner.corpus, run)
    writer.truncate_after(here.step or -1)
    net.train()
    saved = clock = time.monotonic()
    tokens = 0
    batches = learner.corpus.batches(plan.batch_size, plan.seed, here.step)
    with InterruptFlag() as interrupt:
        for rows in islice(batches, plan.steps - here.step):
            losses, count = _step(learner, plan, optimizer, here.step, rows)
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


def _start(checkpoints: Checkpoints, corpus: Corpus, run: MaskedRun) -> tuple[Progress, Parts]:
    """Restore the last checkpoint; its step, and losses of steps that no metric line holds yet."""
    texts = hashlib.sha256(corpus.ids.cpu().numpy().tobytes()).hexdigest()[:16]
    past = checkpoints.progress()
    if past is None:
        return Progress(0, 0, 0.0, texts, ""), []
    if past.data_hash != texts:
        raise RunError(f"{run.id} cannot go on, because its texts have changed; start a new one")
    return checkpoints.restore()[0]


def _step(
    learner: Learner, plan: MaskedPlan, optimizer: Any, step: int, rows: Tensor
) -> tuple[dict[str, Tensor], int]:
    """Hide words of a batch and take one step; its losses, and how many tokens it had."""
    corpus = learner.corpus
    ids, types = corpus.rows(rows)
    read, labels = corpus.hide(ids, step / plan.steps)
    total, parts = learner.loss(read, types, labels)
    total.backward()  # type: ignore[no-untyped-call]
    take_step(optimizer, plan.optimizer, step, plan.steps)
    losses = {"loss": total.detach(), **{name: part.detach() for name, part in parts.items()}}
    return losses, int((ids != corpus.pad).sum())


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
        texts=len(learner.corpus.ids),
        data="the lab's own errand grammar" if errands else plan.data,
        seed=plan.seed,
        pieces=len(learner.units),
        terms=" Same license as KD Lab." if errands else "",
    )
    with new_folder(folder, replace=True) as fresh:
        learner.net.cpu().half().save_pretrained(fresh)
        learner.units.save(fresh)
        (fresh / "README.md").write_text(card, encoding="utf-8")
