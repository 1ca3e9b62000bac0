"""The ways to do the same job without the lab: the tutorial's loop, the HF Trainer, a toolkit.

They share nothing with kdcore but the tokens: models are transformers' own, batches are padded.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from data import PAD_AD, PAD_PAIR, PAD_QUERY, VOCABULARY, Job, Tokens
from measure import Pace
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

RATE = 1e-4
BF16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
TUTORIAL_DROPOUT = 0.1
Item = dict[str, Any]


class Student(nn.Module):
    """TwinBERT cosine as the tutorial has it: one BERT, [CLS] vectors, (cos + 1) / 2."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        config = size_of(2, 128, 2, PAD_AD, dropout, dropout)
        self.bert = BertModel(config, add_pooling_layer=False)

    def forward(
        self, query: Tensor, query_mask: Tensor, ad: Tensor, ad_mask: Tensor, target: Tensor
    ) -> dict[str, Tensor]:
        """(batch,) scores and their MSE to the target."""
        one = self.bert(query, attention_mask=query_mask).last_hidden_state[:, 0]
        other = self.bert(ad, attention_mask=ad_mask).last_hidden_state[:, 0]
        score = (F.cosine_similarity(one, other) + 1) / 2
        return {"loss": F.mse_loss(score, target), "logits": score}


class Teacher(nn.Module):
    """The cross-encoder: 4 layers, 256 wide; P(relevant) and its MSE to the target."""

    def __init__(self, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        config = size_of(4, 256, 4, PAD_PAIR, dropout, attention_dropout)
        self.net = BertForSequenceClassification(config)

    def forward(
        self, pair: Tensor, pair_mask: Tensor, segment: Tensor, target: Tensor
    ) -> dict[str, Tensor]:
        """(batch,) scores and their MSE to the target."""
        logits = self.net(pair, attention_mask=pair_mask, token_type_ids=segment).logits
        score = logits.float().softmax(dim=-1)[:, 1]
        return {"loss": F.mse_loss(score, target), "logits": score}


def size_of(
    layers: int, width: int, heads: int, positions: int, dropout: float, attention_dropout: float
) -> BertConfig:
    """A BERT of two grades with the job's vocabulary."""
    return BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=positions,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=attention_dropout,
        num_labels=2,
    )


# batches: Python lists, padded to a fixed length (the tutorial) or to the longest of the batch


def apart_items(job: Job, targets: list[float]) -> list[Item]:
    """Query and ad of each pair as two framed lists."""
    cls, sep = job.units.cls, job.units.sep
    return [
        {"query": [cls, *q, sep], "ad": [cls, *a, sep], "target": t, "input_ids": q + a}
        for q, a, t in zip(*job.tokens(), targets, strict=True)
    ]


def together_items(job: Job, targets: list[float]) -> list[Item]:
    """Query and ad of each pair as one framed list, with segments."""
    cls, sep = job.units.cls, job.units.sep
    return [
        {
            "pair": (ids := [cls, *q, sep, *a, sep]),
            "segment": [0] * (len(q) + 2) + [1] * (len(a) + 1),
            "target": t,
            "input_ids": ids,
        }
        for q, a, t in zip(*job.tokens(), targets, strict=True)
    ]


def pad_apart(items: list[Item], fixed: bool) -> dict[str, Tensor]:
    """A batch for the student."""
    query, query_mask = _padded([i["query"] for i in items], PAD_QUERY if fixed else 0)
    ad, ad_mask = _padded([i["ad"] for i in items], PAD_AD if fixed else 0)
    target = torch.tensor([i["target"] for i in items])
    names = ("query", "query_mask", "ad", "ad_mask", "target")
    return dict(zip(names, (query, query_mask, ad, ad_mask, target), strict=True))


def pad_together(items: list[Item], fixed: bool) -> dict[str, Tensor]:
    """A batch for the teacher."""
    longest = PAD_PAIR if fixed else 0
    pair, mask = _padded([i["pair"] for i in items], longest)
    segment, _ = _padded([i["segment"] for i in items], longest)
    target = torch.tensor([i["target"] for i in items])
    return {"pair": pair, "pair_mask": mask, "segment": segment, "target": target}


def _padded(rows: Tokens, longest: int) -> tuple[Tensor, Tensor]:
    longest = longest or max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def _fixed_apart(items: list[Item]) -> dict[str, Tensor]:
    return pad_apart(items, fixed=True)


def _fixed_together(items: list[Item]) -> dict[str, Tensor]:
    return pad_together(items, fixed=True)


# the tutorial's loop


def distill_plain(job: Job, pace: Pace) -> None:
    """student_kd: fixed padding, Adam, a DataLoader over lists, the teacher's scores as targets."""
    items = apart_items(job, job.taught.tolist())
    _plain_loop(Student(TUTORIAL_DROPOUT), _loader(items, job.batch, _fixed_apart), pace)


def finetune_plain(job: Job, pace: Pace) -> None:
    """teacher_ft: the same loop over the cross-encoder, MSE to 0/1."""
    items = together_items(job, job.train.grades.astype(float).tolist())
    model = Teacher(TUTORIAL_DROPOUT, TUTORIAL_DROPOUT)
    _plain_loop(model, _loader(items, job.batch, _fixed_together), pace)


def _loader(items: list[Item], batch: int, collate: Any) -> Any:
    return DataLoader(items, batch, shuffle=True, collate_fn=collate, drop_last=True)


def forever(loader: Any) -> Iterator[Any]:
    """A loader's batches, again and again."""
    while True:
        yield from loader


def _plain_loop(model: nn.Module, loader: Any, pace: Pace) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    model.train()
    for batch in forever(loader):
        loss = model(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        pace.taken(len(batch["target"]))


def distill_in_loop(job: Job, pace: Pace) -> None:
    """As toolkits do: the teacher answers every batch again, padded, without gradients."""
    targets = [0.0] * len(job.train)
    both = list(zip(apart_items(job, targets), together_items(job, targets), strict=True))
    loader = DataLoader(both, job.batch, shuffle=True, collate_fn=_both, drop_last=True)
    student, teacher = Student(TUTORIAL_DROPOUT).train(), Teacher(0.0, 0.0).eval()
    optimizer = torch.optim.AdamW(student.parameters(), lr=RATE)
    for batch, question in forever(loader):
        with torch.no_grad():
            batch["target"] = teacher(**question)["logits"]
        loss = student(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        pace.taken(len(batch["target"]))


def _both(items: list[tuple[Item, Item]]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return _fixed_apart([a for a, _ in items]), _fixed_together([t for _, t in items])


# the HF Trainer with all its knobs turned: dynamic padding, similar lengths together, fused, bf16


def distill_trainer(job: Job, pace: Pace, bf16: bool = BF16) -> None:
    """The student, without dropout as in the lab, under a tuned HF Trainer."""
    items = apart_items(job, job.taught.tolist())
    train_tuned(Student(0.0), items, _dynamic_apart, job.batch, pace, bf16)


def finetune_trainer(job: Job, pace: Pace, bf16: bool = BF16) -> None:
    """The cross-encoder, with the lab's dropout, under a tuned HF Trainer."""
    items = together_items(job, job.train.grades.astype(float).tolist())
    train_tuned(Teacher(TUTORIAL_DROPOUT, 0.0), items, _dynamic_together, job.batch, pace, bf16)


def _dynamic_apart(items: list[Item]) -> dict[str, Tensor]:
    return pad_apart(items, fixed=False)


def _dynamic_together(items: list[Item]) -> dict[str, Tensor]:
    return pad_together(items, fixed=False)


def train_tuned(
    model: nn.Module,
    items: list[Item],
    collate: Any,
    batch: int,
    pace: Pace,
    bf16: bool = BF16,
) -> None:
    """Any model that gives its loss, under a tuned HF Trainer; lengths are those of input_ids."""

    class Turns(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *about: Any, **more: Any) -> None:
            pace.taken(batch)

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=batch,
            max_steps=10**6,
            learning_rate=RATE,
            optim="adamw_torch_fused",
            train_sampling_strategy="group_by_length",
            bf16=bf16,
            use_cpu=True,
            dataloader_drop_last=True,
            dataloader_pin_memory=False,
            remove_unused_columns=False,
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        Trainer(
            model=model,
            args=settings,
            data_collator=collate,
            train_dataset=items,
            callbacks=[Turns()],
        ).train()


# scoring: from texts to a file of scores


def score_plain(job: Job, pace: Pace) -> None:
    """The tutorial's: fixed padding, then a Python loop that writes a line a pair."""
    model = Teacher(0.0, 0.0).eval()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            items = together_items(job, job.train.grades.astype(float).tolist())
            loader = DataLoader(items, job.batch, collate_fn=_fixed_together)
            with (Path(folder) / "scores.tsv").open("w") as file, torch.no_grad():
                row = 0
                for batch in loader:
                    for score in model(**batch)["logits"]:
                        file.write(f"{row}\t{score.item()}\n")
                        row += 1
            pace.taken(len(items))


def score_sorted(job: Job, pace: Pace) -> None:
    """What a careful user writes: similar lengths together, padded to the longest of a batch."""
    model = Teacher(0.0, 0.0).eval()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            items = together_items(job, job.train.grades.astype(float).tolist())
            order = sorted(range(len(items)), key=lambda i: len(items[i]["pair"]))
            scores = torch.empty(len(items))
            with torch.inference_mode():
                for start in range(0, len(order), job.batch):
                    rows = order[start : start + job.batch]
                    batch = pad_together([items[i] for i in rows], fixed=False)
                    scores[rows] = model(**batch)["logits"]
            (Path(folder) / "scores.tsv").write_text("\n".join(map(str, scores.tolist())))
            pace.taken(len(items))
