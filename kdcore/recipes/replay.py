"""What the student says while it learns: its logits on a small fixed probe, moment by moment.

replay/probe/ holds the probe as a PairTable, replay/step-00000020.parquet the Predictions on it
after 20 steps. A resumed run writes the same files again, so a kill leaves no gap.
"""

from dataclasses import replace

import numpy as np
import torch

from kdcore.batches import Encoded
from kdcore.models.base import PairModel
from kdcore.pairs import PairTable
from kdcore.predict import score
from kdcore.predictions import Predictions
from kdcore.runs.store import Run

PROBE_SIZE = 300


class Replay:
    """Scores a probe drawn (seeded) from the validation pairs, at evenly spread steps."""

    def __init__(
        self, run: Run, validation: PairTable, encoded: Encoded, points: int, steps: int, seed: int
    ) -> None:
        self.run = run
        self.moments = {-(-steps * k // points) for k in range(1, points + 1)}
        size = min(PROBE_SIZE, len(validation)) if points else 0
        rows = np.sort(np.random.default_rng(seed).permutation(len(validation))[:size])
        self.probe = validation.take(rows)
        self.encoded = replace(encoded, query_of=encoded.query_of[rows], ad_of=encoded.ad_of[rows])

    def look(self, model: PairModel, device: torch.device, step: int) -> None:
        """Score the probe when this step is one of the moments."""
        if step not in self.moments:
            return
        folder = self.run.replay_folder
        if not (folder / "probe" / "dataset.json").exists():
            self.probe.save(folder / "probe")
        logits, _ = score(model, self.encoded, device)
        answers = Predictions(logits, self.probe.content_hash, self.run.id)
        answers.save(folder / f"step-{step:08d}.parquet")
