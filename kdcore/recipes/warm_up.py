"""What a process does while it waits for its run: everything that is slow the first time."""

import numpy as np
import torch

import kdcore.recipes.stage  # noqa: F401 - loads all that a run imports
from kdcore.config import ModelConfig, TrainingConfig
from kdcore.data.names import named_pairs
from kdcore.data.pairs import PairTable
from kdcore.models.build import new_model
from kdcore.models.predict import score
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.runs.machine import gpus
from kdcore.training.optimizer import make_optimizer, take_step

STUDENTS = ("twinbert_cos:layers=1,hidden=32,heads=2", "bert:layers=1,hidden=32,heads=2")


def warm_up() -> None:
    """Read the bundled world and, where there is no GPU, let small students take one step.

    No GPU is touched: which one this process may see is set later, and CUDA reads that setting
    only once. Even on the CPU, `backward` counts the GPUs and an optimizer's step asks for them,
    so with a GPU both are left to the run. Nothing remains but what is in memory; a run seeds its
    random numbers itself.
    """
    few = named_pairs("world").split("validation").take(np.arange(160))
    for student in STUDENTS if not gpus() else ():
        _one_step(ModelConfig.parse(student), few)
    assert not torch.cuda.is_initialized()  # type: ignore[no-untyped-call]


def _one_step(config: ModelConfig, pairs: PairTable) -> None:
    cpu, knobs = torch.device("cpu"), TrainingConfig().suited_to(config)
    model = new_model(config, pairs)
    encoded = model.read(pairs)
    optimizer = make_optimizer([model], knobs, cpu)
    logits = model.train()(model.batch(encoded, np.arange(128))).logits
    loss = hard_cross_entropy(logits, torch.tensor(pairs.grades[:128]))
    loss.backward()  # type: ignore[no-untyped-call]
    take_step(optimizer, knobs, 0, 1)
    score(model.eval(), encoded, cpu, 128)
