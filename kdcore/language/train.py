"""A teacher and a student that fill gaps: masked-word training, then DistilBERT's three losses.

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

from kdcore.data.world import sentences
from kdcore.errors import ConfigError
from kdcore.language.report import MaskedReport
from kdcore.language.words import learn_words
from kdcore.models.layers import copy_layers
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.objectives.response import soft_kl
from kdcore.training.devices import pick_device, use_threads

Say = Callable[[str], None]
POSITIONS = 64
HIDDEN_SHARE, RARE = 0.15, 0.7  # BERT's share of hidden words; the smoothing of rare ones
SKEWED, EVERY = 2 / 3, 100  # how long rare words come first; steps between two lines
SOFT, HARD, COSINE, TEMPERATURE = 5.0, 2.0, 1.0, 2.0  # the distillation script's own weights


@dataclass(frozen=True)
class Plan:
    """How much is trained: a minute or two on one core as it stands."""

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


@dataclass(frozen=True)
class Words:
    """Sentences as padded ids (rows, pieces); chance: (vocabulary,) how gladly each is hidden."""

    ids: Tensor
    chance: Tensor
    pad: int
    mask: int
    last_special: int


def train(
    out: Path, plan: Plan, *, device: str = "auto", threads: int = 0, say: Say | None = None
) -> MaskedReport:
    """Train both, write out/teacher and out/student in the Hugging Face layout, measure them."""
    where, tell, began = pick_device(device), say or (lambda line: None), time.monotonic()
    texts = sentences(plan.sentences, plan.seed)
    units = learn_words(texts)
    with use_threads(threads), torch.random.fork_rng([where] if where.type == "cuda" else []):
        torch.manual_seed(plan.seed)
        learned = _words(units, texts, where)
        teacher = _learn_words(_new(plan, units, plan.layers).to(where), learned, plan, tell)
        student = _distill(teacher, _new(plan, units, plan.student_layers), learned, plan, tell)
        seconds = time.monotonic() - began
        unseen = sorted(set(sentences(1000, plan.seed + 1)) - set(texts)) or texts[:500]
        losses, same = _measure(teacher, student, _words(units, unseen, where), plan.seed)
    for name, net in (("teacher", teacher), ("student", student)):
        _save(net, units, out / name, name, plan)
    big, small = (sum(p.numel() for p in net.parameters()) for net in (teacher, student))
    return MaskedReport(out, *losses, same, big, small, seconds)


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


def _words(units: WordPiece, texts: list[str], where: torch.device) -> Words:
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
    return Words(ids.to(where), chance.to(where), special.pad_token_id, special.mask_token_id, last)


def _batches(words: Words, plan: Plan, steps: int) -> Iterator[Tensor]:
    """Rows drawn without end, cut to the longest of each batch."""
    for _ in range(steps):
        ids = words.ids[
            torch.randint(len(words.ids), (plan.batch,), device="cpu").to(words.ids.device)
        ]
        yield ids[:, : int((ids != words.pad).sum(dim=1).max())]


def _hide(ids: Tensor, words: Words, done: float = 1.0) -> tuple[Tensor, Tensor]:
    """(what is read, what was hidden; -100 elsewhere), as BERT does: 80 % [MASK], 10 % another.

    done: share of the training that is over.
    """
    # hiding rare words more teaches faster but skews P(word); an even last part sets it right
    chance = words.chance[ids] ** float(done < SKEWED)
    chance = chance.masked_fill(ids <= words.last_special, 0.0)
    each = max(round(HIDDEN_SHARE * ids.shape[1]), 1)
    places = torch.multinomial(chance.cpu(), each).to(ids.device)
    hidden = torch.zeros_like(ids, dtype=torch.bool).scatter_(1, places, True)
    kind = torch.rand(ids.shape, device="cpu").to(ids.device)
    other = torch.randint(words.last_special + 1, len(words.chance), ids.shape).to(ids.device)
    read = ids.masked_fill(hidden & (kind < 0.8), words.mask)
    read = torch.where(hidden & (kind >= 0.9), other, read)
    return read, ids.masked_fill(~hidden, -100)


def _hard(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def _learn_words(net: Any, words: Words, plan: Plan, tell: Say) -> Any:
    move = _Mover(net, plan.rate, plan.steps)
    for step, ids in enumerate(_batches(words, plan, plan.steps)):
        read, labels = _hide(ids, words, step / plan.steps)
        logits = net(input_ids=read, attention_mask=(ids != words.pad).long()).logits
        loss = _hard(logits, labels)
        move(loss, step)
        if step % EVERY == 0:
            tell(f"language teacher, step {step} of {plan.steps}: loss {loss.item():.3f}")
    return net.eval()


def _distill(teacher: Any, student: Any, words: Words, plan: Plan, tell: Say) -> Any:
    """DistilBERT (Sanh et al. 2019, arXiv:1910.01108): soft labels, hidden words, direction."""
    student = student.to(words.ids.device)
    copy_layers(teacher.bert, student.bert)
    student.cls.load_state_dict(teacher.cls.state_dict())
    move = _Mover(student, plan.rate / 2, plan.student_steps)
    for step, ids in enumerate(_batches(words, plan, plan.student_steps)):
        read, labels = _hide(ids, words, step / plan.student_steps)
        seen = ids != words.pad
        inputs = {"input_ids": read, "attention_mask": seen.long(), "output_hidden_states": True}
        with torch.no_grad():
            lesson = teacher(**inputs)
        answer = student(**inputs)
        soft = soft_kl(answer.logits[seen], lesson.logits[seen], TEMPERATURE)
        there, here = (o.hidden_states[-1][seen] for o in (lesson, answer))
        cosine = 1 - F.cosine_similarity(here, there, dim=-1).mean()
        loss = SOFT * soft + HARD * _hard(answer.logits, labels) + COSINE * cosine
        move(loss, step)
        if step % EVERY == 0:
            tell(f"language student, step {step} of {plan.student_steps}: soft {soft.item():.3f}")
    return student.eval()


class _Mover:
    """AdamW with a warm-up of 5 % and a linear decay, gradients clipped at 5."""

    def __init__(self, net: Any, rate: float, steps: int) -> None:
        self.net, self.steps, self.warm = net, steps, max(steps // 20, 1)
        self.optimizer = torch.optim.AdamW(
            net.parameters(), lr=rate, eps=1e-6, weight_decay=0.01, fused=True
        )
        self.rate = rate
        net.train()

    def __call__(self, loss: Tensor, step: int) -> None:
        share = min((step + 1) / self.warm, (self.steps - step) / max(self.steps - self.warm, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(share, 1.0)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()


@torch.inference_mode()
def _measure(
    teacher: Any, student: Any, words: Words, seed: int
) -> tuple[tuple[float, float], float]:
    """Loss of each on hidden words of unseen sentences, and how often their first words agree."""
    torch.manual_seed(seed)
    read, labels = _hide(words.ids, words)
    mask = (words.ids != words.pad).long()
    logits = [net(input_ids=read, attention_mask=mask).logits for net in (teacher, student)]
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
