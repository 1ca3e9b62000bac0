"""What each plan trains: a model, its texts, and the loss of a batch of them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kdcore.language.corpus import Corpus, Sources, sources
from kdcore.language.losses import UNSEEN, DistilLosses, hidden_words
from kdcore.language.measure import Fills, fills
from kdcore.language.model import MaskedModel, fetch
from kdcore.language.plan import ERRANDS, Plan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import MaskedStore
from kdcore.language.start import new_student, new_teacher, stored_student
from kdcore.language.topk.store import START, TOKENIZER, TopKStore
from kdcore.language.words import learn_words
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.objectives.response import soft_kl
from kdcore.softlabels import Rest
from kdcore.workspace import Workspace

Losses = tuple[Tensor, Mapping[str, Tensor]]  # of a batch: the sum, and its parts unweighted


@dataclass(frozen=True)
class Learner:
    """A model that is to be trained, its batches, and its loss of one.

    batches: (size, seed, first) -> which texts each batch has, from batch number `first` on. loss:
    (texts of a batch, share of the training that is over) -> its losses and how many tokens it has.
    texts: how many there are. key: changes when they do. theirs: the teacher's answers to the
    unseen texts, and its weights. notes: sentences on how it starts.
    """

    net: Any
    units: WordPiece
    unseen: Corpus
    texts: int
    key: str
    batches: Callable[[int, int, int], Iterator[Any]]
    loss: Callable[[Any, float], tuple[Losses, int]]
    theirs: Callable[[], tuple[Fills | None, int]] = lambda: (None, 0)
    notes: tuple[str, ...] = ()

    @property
    def device(self) -> torch.device:
        """Where it is trained."""
        device: torch.device = self.net.device
        return device


def learner_of(plan: Plan, device: torch.device, workspace: Workspace) -> Learner:
    """What a plan trains; LabError when something that it names is missing or does not fit."""
    if isinstance(plan, StoreStudentPlan):
        return _of_store(plan, device, workspace)
    seen, unseen = sources(plan, workspace)
    if isinstance(plan, StudentPlan):
        return _student(plan, seen, unseen, device, workspace)
    assert isinstance(plan, TeacherPlan)
    return _teacher(plan, seen, unseen, device)


def _of_corpus(
    corpus: Corpus, loss: Callable[[Tensor, Tensor, Tensor], Losses], **others: Any
) -> Learner:
    """A learner whose words are hidden anew in each batch; loss: of (ids, types, labels)."""

    def of_rows(rows: Tensor, done: float) -> tuple[Losses, int]:
        ids, types = corpus.rows(rows)
        read, labels = corpus.masking.hide(ids, done)
        return loss(read, types, labels), int((ids != corpus.pad).sum())

    return Learner(
        texts=len(corpus.ids), key=corpus.key, batches=corpus.batches, loss=of_rows, **others
    )


def _teacher(plan: TeacherPlan, seen: Sources, unseen: Sources, device: torch.device) -> Learner:
    """A BERT that learns its hidden words."""
    texts = seen.distinct()
    errands = plan.data == ERRANDS
    units = learn_words(texts) if errands else WordPiece.train(texts, plan.vocabulary)
    net = new_teacher(plan, units).to(device)
    corpus = Corpus.of(seen, units, device, plan.smoothing)

    def loss(ids: Tensor, types: Tensor, labels: Tensor) -> Losses:
        attended = (ids != corpus.pad).long()
        states = net.bert(input_ids=ids, attention_mask=attended, token_type_ids=types)[0]
        hidden = labels != UNSEEN  # the head is the dear part: it reads the hidden words only
        mlm = hidden_words(net.cls(states[hidden])[None], labels[hidden][None])
        return mlm, {"mlm": mlm}

    return _of_corpus(corpus, loss, net=net, units=units, unseen=Corpus.of(unseen, units, device))


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
    return _of_corpus(
        corpus,
        loss,
        net=student,
        units=units,
        unseen=held_out,
        theirs=lambda: (fills(teacher, held_out), teacher.base_model.num_parameters()),
        notes=(start,),
    )


def _of_store(plan: StoreStudentPlan, device: torch.device, workspace: Workspace) -> Learner:
    """A student that learns stored logits: its start, its texts and its labels are in the store."""
    store = TopKStore.open(MaskedStore(workspace).store_of(plan.store))
    model = MaskedModel.load(store.folder / START, store.folder / TOKENIZER)
    student = stored_student(plan, model.net).to(device)
    unseen, theirs = store.unseen(device)
    typed = student.config.model_type == "bert"
    rest: Rest = "uniform" if plan.rest == "uniform" else "zero"

    def loss(place: tuple[int, Tensor], done: float) -> tuple[Losses, int]:
        shard, rows = place
        batch = store.shards[shard].batch(rows, store.classes, rest).to(device)
        inputs = {"input_ids": batch.read, "attention_mask": batch.attended.long()}
        inputs |= {"token_type_ids": batch.types} if typed else {}
        hidden = batch.labels != UNSEEN
        logits = student(**inputs).logits[hidden]
        parts: dict[str, Tensor] = {}
        if plan.soft_weight:
            parts["soft"] = soft_kl(logits, batch.soft, plan.temperature)
        if plan.mlm_weight:
            parts["mlm"] = hidden_words(logits[None], batch.labels[hidden][None])
        weighted = [getattr(plan, f"{name}_weight") * part for name, part in parts.items()]
        return (torch.stack(weighted).sum(), parts), int(batch.attended.sum())

    layers = ", ".join(map(str, store.manifest["layers"]))
    copied = f"started from layers {layers} of its teacher (0-based), which the store holds"
    digest = hashlib.sha256(repr(sorted(store.manifest["files"].items())).encode())
    return Learner(
        student,
        WordPiece(model.tokenizer),
        unseen,
        texts=sum(len(shard.lengths) for shard in store.shards),
        key=digest.hexdigest()[:16],
        batches=store.batches,
        loss=loss,
        theirs=lambda: (theirs, int(store.manifest["teacher_weights"])),
        notes=(copied if plan.start == "copied" else "random start",),
    )
