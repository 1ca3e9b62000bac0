"""Two towers from a pretrained encoder: pairs a second beside sentence-transformers, same job.

    python tests/benchmarks/encoders.py [--model FOLDER] [--quick] [--json FILE]

Without --model, BERT-mini (4 layers, 256 wide, 30,522 rows) with random weights. One thread; all
take turns. Encoding: texts to vectors and their cosine, the tokenizer included; sentence-
transformers is given each distinct text of a portion once, sorted by length as it does. Training:
AdamW on (query, title, label) in batches of 64; its own loop (old_fit, CosineSimilarityLoss), which
reads texts at each step, against our recipe (cross-entropy), which has read them before the first.
"""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ours
import torch
from data import Job, prepare
from measure import Effort, Pace, race, run_on_one_thread
from torch.utils.data import DataLoader
from transformers import BertConfig, BertModel

from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig
from kdcore.models.build import new_model
from kdcore.recipes import finetune

GOAL = 3.0  # times theirs
LENGTHS = {"query_tokens": 16, "ad_tokens": 48}


def main() -> None:
    """Race all contenders and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="the folder of a pretrained encoder")
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    run_on_one_thread()
    job = prepare("world", "title", 300 if arguments.quick else 6000, 64, 1)
    effort = Effort(1, 0.2, 1) if arguments.quick else Effort(8, 3.0, 3)
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or str(_bert_mini(Path(folder), job, arguments.quick))
        contenders = {
            "encoding, ours": partial(encode_ours, model),
            "encoding, sentence-transformers": partial(encode_theirs, model),
            "training, ours": partial(train_ours, model, "auto"),
            "training, ours in fp32": partial(train_ours, model, "fp32"),
            "training, sentence-transformers": partial(train_theirs, model),
        }
        rates = race(contenders, job, effort)
    if arguments.json:
        arguments.json.write_text(json.dumps(rates, indent=2), encoding="utf-8")
    print(text_of(rates))


def _bert_mini(folder: Path, job: Job, quick: bool) -> Path:
    size = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
    size = {**size, "intermediate_size": 1024, "vocab_size": len(job.units)}
    size |= {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 64} if quick else {}
    BertModel(BertConfig(**size)).save_pretrained(folder)
    job.units.save(folder)
    return folder


def _texts(job: Job, rows: Any) -> tuple[list[str], list[str]]:
    frame = job.train.frame.iloc[rows]
    return frame["query"].tolist(), frame["title"].tolist()


def _portions(job: Job) -> list[Any]:
    return np.array_split(np.arange(len(job.train)), max(len(job.train) // 500, 1))


def _towers(model: str) -> ModelConfig:
    return ModelConfig(name="pretrained_cos", checkpoint=model, params=LENGTHS)


@torch.inference_mode()
def encode_ours(model: str, job: Job, pace: Pace) -> None:
    """Texts to cosines by our towers."""
    towers = new_model(_towers(model), job.train).eval()
    while True:
        for rows in _portions(job):
            encoded = towers.read(job.train.take(rows))
            towers.pooled(towers.batch(encoded, np.arange(len(rows)))).sum(dim=1)
            pace.taken(len(rows))


def encode_theirs(model: str, job: Job, pace: Pace) -> None:
    """The same by SentenceTransformer.encode."""
    from sentence_transformers import SentenceTransformer

    net = SentenceTransformer(model, device="cpu")
    while True:
        for rows in _portions(job):
            sides = []
            for texts in _texts(job, rows):
                distinct, back = np.unique(texts, return_inverse=True)
                vectors = net.encode(distinct.tolist(), batch_size=64, show_progress_bar=False)
                sides.append(vectors[back])
            net.similarity_pairwise(*sides)
            pace.taken(len(rows))


def train_ours(model: str, precision: str, job: Job, pace: Pace) -> None:
    """recipes/finetune.py on the towers."""
    training = TrainingConfig(epochs=1000, batch_size=job.batch, precision=precision)
    config = FinetuneConfig(model=_towers(model), training=training, device="cpu", threads=1)
    with ours.run_of(config) as (run, writer):
        finetune.finetune(config, job.pairs, run, writer, batches=ours.paced(pace))


class _Paced(DataLoader):  # type: ignore[type-arg]
    """A loader that waits for its turn after each step."""

    pace: Pace
    pairs: int

    def __iter__(self) -> Any:
        for batch in super().__iter__():
            yield batch
            self.pace.taken(self.pairs)


def train_theirs(model: str, job: Job, pace: Pace) -> None:
    """The loop of sentence-transformers on the same pairs."""
    from sentence_transformers import InputExample, SentenceTransformer, losses

    net = SentenceTransformer(model, device="cpu")
    texts = zip(*_texts(job, slice(None)), job.train.grades.tolist(), strict=True)
    examples = [InputExample(texts=[q, a], label=float(grade)) for q, a, grade in texts]
    loader = _Paced(examples, batch_size=job.batch, shuffle=True, drop_last=True)
    loader.pace, loader.pairs = pace, job.batch
    objective = losses.CosineSimilarityLoss(net)
    net.old_fit([(loader, objective)], epochs=1000, warmup_steps=10, show_progress_bar=False)


def text_of(rates: dict[str, float]) -> str:
    """The table: pairs a second, and the ratio to sentence-transformers."""
    lines = ["| job | who | pairs/s | ratio | goal |", "|---|---|---:|---:|---|"]
    for name, rate in rates.items():
        job, who = name.split(", ")
        times = rate / rates[f"{job}, sentence-transformers"]
        goal = (
            ""
            if who == "sentence-transformers"
            else f"≥ {GOAL:g}: " + ("met" if times >= GOAL else "NOT MET")
        )
        lines.append(f"| {job} | {who} | {rate:,.0f} | {times:.2f} | {goal} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
