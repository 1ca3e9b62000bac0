"""Train a teacher and a student that fill gaps: masked words, then DistilBERT's three losses.

The teacher learns errand sentences as BERT does; the student begins with some of its layers and
learns from its soft labels, the hidden words and the direction of its last hidden states.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM

from kdcore.config import TrainingConfig
from kdcore.data.world import sentences
from kdcore.errors import ConfigError
from kdcore.language.words import learn_words
from kdcore.models.layers import copy_layers
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.objectives.response import soft_kl
from kdcore.training.devices import pick_device, use_threads
from kdcore.training.optimizer import make_optimizer, take_step

Say = Callable[[str], None]
Loss = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]
POSITIONS = 64
HIDDEN_SHARE, RARE = 0.15, 0.7  # BERT's share of hidden words; the smoothing of rare ones
SKEWED, EVERY = 2 / 3, 100  # how long rare words come first; steps between two lines
SOFT, HARD, COSINE, TEMPERATURE = 5.0, 2.0, 1.0, 2.0  # the weights of DistilBERT's own script


@dataclass(frozen=True)
class Plan:
    """How much is trained; the defaults take a minute or two on one core."""

    steps: int = 1400
    student_steps: int = 500
    sentences: int = 20_000
    seed: int = 0
    layers: int = 3
    student_layers: int = 1
    hidden: int = 128
    heads: int = 4
    batch: int = 64
    rate: float = 2e-3

    def __post_init__(self) -> None:
        """Refuse what cannot train, all at once."""
        problems = [
            f"{name}: {getattr(self, name)}; give {least} or more"
            for name, least in (("steps", 1), ("student_steps", 1), ("sentences", 2), ("seed", 0))
            if getattr(self, name) < least
        ]
        if not 1 <= self.student_layers <= self.layers:
            problems.append(f"student_layers: {self.student_layers} is outside 1..{self.layers}")
        if problems:
            raise ConfigError("These language models cannot be trained:", problems)

    def knobs(self, rate: float) -> TrainingConfig:
        """The settings of the optimizer whose step size has this peak."""
        return TrainingConfig(learning_rate=rate, batch_size=self.batch, warmup=0.05, clip=5.0)


@dataclass(frozen=True)
class Comparison:
    """Teacher and student on sentences that neither has seen.

    The losses are the mean cross-entropy of a hidden word in nats; same: how often the first word
    of both is the same; seconds: of training.
    """

    teacher_loss: float
    student_loss: float
    same: float
    teacher_weights: int
    student_weights: int
    seconds: float


@dataclass(frozen=True)
class Sentences:
    """Sentences as padded ids (rows, pieces).

    chance: (vocabulary,) how likely each piece is to be hidden, not normalized.
    """

    ids: Tensor
    chance: Tensor
    pad: int
    mask: int
    last_special: int


def train(
    out: Path,
    plan: Plan,
    *,
    device: str = "auto",
    threads: int = 0,
    say: Say = lambda line: None,
) -> Comparison:
    """Train both, write out/teacher and out/student in the Hugging Face layout, measure them.

    say: called with a line of text now and then, which shows how far the training is.
    """
    place, start = pick_device(device), time.monotonic()
    texts = sentences(plan.sentences, plan.seed)
    units = learn_words(texts)
    with use_threads(threads), torch.random.fork_rng([place] if place.type == "cuda" else []):
        torch.manual_seed(plan.seed)
        corpus = _encode(units, texts, place)
        teacher = _new(plan, units, plan.layers).to(place)
        _train_teacher(teacher, corpus, plan, say)
        student = _new(plan, units, plan.student_layers).to(place)
        _train_student(student, teacher, corpus, plan, say)
        seconds = time.monotonic() - start
        unseen = sorted(set(sentences(1000, plan.seed + 1)) - set(texts)) or texts[:500]
        losses, same = _measure(teacher, student, _encode(units, unseen, place), plan.seed)
    for name, net in (("teacher", teacher), ("student", student)):
        _save(net, units, out / name, name, plan)
    large, small = (sum(p.numel() for p in net.parameters()) for net in (teacher, student))
    return Comparison(*losses, same, large, small, seconds)


def _new(plan: Plan, units: WordPiece, layers: int) -> Any:
    config = BertConfig(
        vocab_size=len(units),
        hidden_size=plan.hidden,
        num_hidden_layers=layers,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.hidden,
        max_position_embeddings=POSITIONS,
        initializer_range=plan.hidden**-0.5 / 2,  # 0.02 is meant for a width of 768
        type_vocab_size=1,  # one sentence, one kind of token
        hidden_dropout_prob=0.0,  # the sentences never run out
        attention_probs_dropout_prob=0.0,
        pad_token_id=units.tokenizer.pad_token_id,
    )
    return BertForMaskedLM(config)


def _encode(units: WordPiece, texts: list[str], device: torch.device) -> Sentences:
    special = units.tokenizer
    rows = units.encode(texts).capped(POSITIONS - 2).framed((units.cls,), (units.sep,))
    longest = int(rows.lengths.max())
    ids = torch.full((len(rows), longest), special.pad_token_id)
    ids[torch.arange(longest) < torch.from_numpy(rows.lengths)[:, None]] = torch.from_numpy(
        rows.flat
    )
    last = max(special.all_special_ids)
    # as DistilBERT: rare words are hidden more, or the gap would mostly stand for "the"
    chance = torch.bincount(ids.flatten(), minlength=len(units)).clamp(min=1) ** -RARE
    pad, mask = special.pad_token_id, special.mask_token_id
    return Sentences(ids.to(device), chance.to(device), pad, mask, last)


def _batches(corpus: Sentences, size: int, steps: int) -> Iterator[Tensor]:
    """So many batches of rows drawn at random, each cut to its longest sentence."""
    for _ in range(steps):
        rows = torch.randint(len(corpus.ids), (size,), device="cpu")
        ids = corpus.ids[rows.to(corpus.ids.device)]
        yield ids[:, : int((ids != corpus.pad).sum(dim=1).max())]


def _hide(ids: Tensor, corpus: Sentences, done: float = 1.0) -> tuple[Tensor, Tensor]:
    """(ids to read, hidden ids or -100), as BERT: 80 % [MASK], 10 % another word, 10 % the same.

    done: share of the training that is over.
    """
    # hiding rare words more teaches faster but skews P(word); an even last part sets it right
    chance = corpus.chance[ids] ** float(done < SKEWED)
    chance = chance.masked_fill(ids <= corpus.last_special, 0.0)
    count = max(round(HIDDEN_SHARE * ids.shape[1]), 1)
    places = torch.multinomial(chance.cpu(), count).to(ids.device)
    hidden = torch.zeros_like(ids, dtype=torch.bool).scatter_(1, places, True)
    kind = torch.rand(ids.shape, device="cpu").to(ids.device)
    other = torch.randint(corpus.last_special + 1, len(corpus.chance), ids.shape).to(ids.device)
    read = ids.masked_fill(hidden & (kind < 0.8), corpus.mask)
    read = torch.where(hidden & (kind >= 0.9), other, read)
    return read, ids.masked_fill(~hidden, -100)


def _hard(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def _train_teacher(net: Any, corpus: Sentences, plan: Plan, say: Say) -> None:
    """Train on hidden words, as BERT is."""

    def loss(ids: Tensor, labels: Tensor, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        hard = _hard(net(input_ids=ids, attention_mask=mask.long()).logits, labels)
        return hard, {"loss": hard}

    _fit("teacher", net, loss, corpus, plan.knobs(plan.rate), plan.steps, say)


def _train_student(student: Any, teacher: Any, corpus: Sentences, plan: Plan, say: Say) -> None:
    """Train from some of the teacher's layers on three losses, as DistilBERT is.

    Sanh et al. 2019 (arXiv:1910.01108): the teacher's soft labels, the hidden words, and the
    cosine between the last hidden states.
    """
    copy_layers(teacher.bert, student.bert)
    student.cls.load_state_dict(teacher.cls.state_dict())

    def loss(ids: Tensor, labels: Tensor, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        inputs = {"input_ids": ids, "attention_mask": mask.long(), "output_hidden_states": True}
        with torch.no_grad():
            theirs = teacher(**inputs)
        ours = student(**inputs)
        soft = soft_kl(ours.logits[mask], theirs.logits[mask], TEMPERATURE)
        hard = _hard(ours.logits, labels)
        there, here = (outputs.hidden_states[-1][mask] for outputs in (theirs, ours))
        cosine = 1 - F.cosine_similarity(here, there, dim=-1).mean()
        total = SOFT * soft + HARD * hard + COSINE * cosine
        return total, {"soft": soft, "hard": hard, "cosine": cosine}

    knobs = plan.knobs(plan.rate / 2)
    _fit("student", student, loss, corpus, knobs, plan.student_steps, say)


def _fit(
    role: str,
    net: Any,
    loss: Loss,
    corpus: Sentences,
    knobs: TrainingConfig,
    steps: int,
    say: Say,
) -> None:
    """Take so many steps down the gradient of a loss of (ids, labels, mask); leave it in eval.

    The loss also returns its parts, which are reported unweighted now and then.
    """
    optimizer = make_optimizer([net], knobs, corpus.ids.device)
    net.train()
    for step, batch in enumerate(_batches(corpus, knobs.batch_size, steps)):
        ids, labels = _hide(batch, corpus, step / steps)
        total, parts = loss(ids, labels, batch != corpus.pad)
        total.backward()  # type: ignore[no-untyped-call]
        take_step(optimizer, knobs, step, steps)
        if step % EVERY == 0:
            shown = ", ".join(f"{name} {part.item():.3f}" for name, part in parts.items())
            say(f"language {role}, step {step} of {steps}: {shown}")
    net.eval()


@torch.inference_mode()
def _measure(
    teacher: Any, student: Any, corpus: Sentences, seed: int
) -> tuple[tuple[float, float], float]:
    """Loss of each on hidden words of unseen sentences, and how often their first words agree."""
    torch.manual_seed(seed)
    ids, labels = _hide(corpus.ids, corpus)
    mask = (corpus.ids != corpus.pad).long()
    logits = [net(input_ids=ids, attention_mask=mask).logits for net in (teacher, student)]
    hidden = labels != -100
    same = (logits[0][hidden].argmax(dim=-1) == logits[1][hidden].argmax(dim=-1)).float().mean()
    return (_hard(logits[0], labels).item(), _hard(logits[1], labels).item()), same.item()


CARD = """# Masked-word {name} of KD Lab

Fills the gap of everyday sentences such as "Let's go to the [MASK] and buy some snacks!".
{how} Trained on {sentences:,} sentences of the lab's own errand grammar (seed {seed}), no
person's text; it knows {pieces} pieces of words and nothing beyond errands. Loads with
`AutoModelForMaskedLM`. Same license as KD Lab.
"""
HOW = {
    "teacher": "Learned as BERT does: hidden words, cross-entropy.",
    "student": "Distilled from the teacher with DistilBERT's three losses (arXiv:1910.01108), "
    "its layers taken from the teacher's.",
}


def _save(net: Any, units: WordPiece, folder: Path, name: str, plan: Plan) -> None:
    """Half precision: half the bytes, and the same first words."""
    folder.mkdir(parents=True, exist_ok=True)
    net.cpu().half().save_pretrained(folder)
    units.save(folder)
    card = CARD.format(
        name=name, how=HOW[name], sentences=plan.sentences, seed=plan.seed, pieces=len(units)
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
