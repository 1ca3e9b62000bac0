"""Pretraining pairs per second beside the HF Trainer's example of masked words, one thread.

    PYTHONPATH=. python tests/benchmarks/pretraining.py [--quick] [--json FILE]

Two models: the lab's usual one (bert_teacher: 3 layers, 192 wide, its own vocabulary) and BERT-mini
(4 layers, 256 wide, 30,522 rows). Ours is recipes/pretrain.py in batches of 64. Theirs is the same
BertForPreTraining with the same weights' shapes, dropout and tokens, under a tuned HF Trainer with
DataCollatorForLanguageModeling: similar lengths together, fused AdamW, bf16 where the processor
multiplies it, no evaluation; its foreign ads are drawn once, before the clock starts. It is given
batches of 64 and of 256, and the ratio is to the faster of them. All take turns; seconds are those
of the processor, because other work may share the machine.
"""

import argparse
import json
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ours
from data import VOCABULARY, Job, prepare
from measure import Effort, Pace, race, run_on_one_thread
from peers import Item, train_tuned
from transformers import BertForPreTraining, DataCollatorForLanguageModeling

from kdcore.config import ModelConfig, PretrainConfig, TrainingConfig
from kdcore.models.batches import Encoded
from kdcore.models.build import new_model
from kdcore.recipes import pretrain

GOAL = 3.0  # times theirs
MODELS = {
    "bert_teacher": ModelConfig.parse("bert_teacher:overlap=false"),
    "BERT-mini": ModelConfig.parse(
        f"bert:layers=4,hidden=256,heads=4,vocabulary={VOCABULARY},overlap=false"
    ),
}
LARGER = 4  # times the batch


def main() -> None:
    """Race all contenders and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    run_on_one_thread()
    quick = arguments.quick
    job = prepare("world", "full", 320 if quick else 20_000, 8 if quick else 64, 1)
    effort = Effort(1, 0.1, 1) if quick else Effort(6, 4.0, 3, time.process_time)
    models = dict(list(MODELS.items())[:1]) if quick else MODELS
    rates = race(
        {
            f"{name}, {who}": run
            for name, model in models.items()
            for who, run in {
                "ours": partial(pretrain_ours, model),
                f"HF Trainer, batches of {job.batch}": partial(pretrain_trainer, model, 1),
                f"HF Trainer, batches of {LARGER * job.batch}": partial(
                    pretrain_trainer, model, LARGER
                ),
            }.items()
        },
        job,
        effort,
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(rates, indent=2), encoding="utf-8")
    print(text_of(rates))


def pretrain_ours(model: ModelConfig, job: Job, pace: Pace) -> None:
    """recipes/pretrain.py on the training pairs."""
    training = TrainingConfig(epochs=1000, batch_size=job.batch)
    config = PretrainConfig(model=model, split="train", training=training, device="cpu", threads=1)
    with ours.run_of(config) as (run, writer), tokenizer_of(model, job):
        pretrain.pretrain(config, job.pairs, run, writer, batches=ours.paced(pace))


def pretrain_trainer(model: ModelConfig, times: int, job: Job, pace: Pace) -> None:
    """The same model and tokens under the HF Trainer; times: so many batches of ours at once."""
    with tokenizer_of(model, job):
        reader: Any = new_model(model, job.train)
    collate = DataCollatorForLanguageModeling(reader.units.tokenizer, mlm_probability=0.15)
    net = BertForPreTraining(reader.encoder.config)
    train_tuned(net, items_of(reader.read(job.train)), collate, times * job.batch, pace)


def tokenizer_of(model: ModelConfig, job: Job) -> Any:
    """The model's own; for the large vocabulary the job's, filled up with unused pieces."""
    return ours.given_tokenizer(job) if model.params.vocabulary == VOCABULARY else nullcontext()


def items_of(pairs: Encoded) -> list[Item]:
    """A list of tokens for each pair; half of them with the ad of a pair drawn at random."""
    rng = np.random.default_rng(0)
    foreign = rng.random(len(pairs)) < 0.5
    ads = np.where(foreign, rng.permutation(pairs.ad_of), pairs.ad_of)
    items = []
    for query, ad, is_foreign in zip(pairs.query_of, ads, foreign, strict=True):
        left, right = (pairs.tokens.take(np.array([row])).tolist() for row in (query, ad))
        special = [0] * (len(left) + len(right))
        for place in (0, len(left) - 1, -1):  # [CLS], and [SEP] after each text
            special[place] = 1
        items.append(
            {
                "input_ids": left + right,
                "token_type_ids": [0] * len(left) + [1] * len(right),
                "special_tokens_mask": special,
                "next_sentence_label": int(is_foreign),
            }
        )
    return items


def text_of(rates: dict[str, float]) -> str:
    """The table: pairs per second of the processor, and the ratio to the faster Trainer."""
    lines = ["| model | who | pairs/s | ratio | goal |", "|---|---|---:|---:|---|"]
    for name, rate in rates.items():
        model, who = name.split(", ", 1)
        best = max(v for k, v in rates.items() if k.startswith(f"{model}, HF"))
        goal = f"≥ {GOAL:g}: {'met' if rate / best >= GOAL else 'NOT MET'}" if who == "ours" else ""
        lines.append(f"| {model} | {who} | {rate:,.0f} | {rate / best:.2f} | {goal} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
