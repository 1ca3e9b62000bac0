"""What the student answers while it learns: its logits on a small fixed probe at several steps.

replay/probe/ holds the probe as a PairTable, replay/step-00000020.parquet the Predictions on it
after 20 steps (step 0 is before it learned anything), with features at eleven of the moments, for a
map of the training; replay/teacher.parquet holds those of its teacher.
The seed draws the probe from the validation pairs, so a student and its twin have the same one. A
resumed run writes the same files again, so a kill leaves no gap.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kdcore.data.pairs import PairTable
from kdcore.models.base import PairModel
from kdcore.models.batches import Encoded
from kdcore.models.predict import score
from kdcore.predictions import Predictions
from kdcore.runs.store import Run

PROBE_SIZE = 300
WITH_FEATURES = 11  # moments, the first and the last among them, whose features are stored


def evenly(points: int, steps: int) -> frozenset[int]:
    """So many steps spread evenly over 1..steps, the last among them; fewer where they meet."""
    return frozenset(-(-steps * k // points) for k in range(1, points + 1))


def with_features(moments: frozenset[int]) -> frozenset[int]:
    """Of the moments, those whose features are stored."""
    steps = sorted(moments)
    places = np.linspace(0, len(steps) - 1, min(len(steps), WITH_FEATURES)).round()
    return frozenset(steps[int(place)] for place in places)


class Replay:
    """Scores a probe of the validation pairs before the first step and at evenly spread steps."""

    def __init__(
        self, run: Run, validation: PairTable, encoded: Encoded, points: int, steps: int, seed: int
    ) -> None:
        self.run = run
        self.moments = evenly(points, steps) | {0} if points else frozenset()
        self.drawn = with_features(self.moments)
        size = min(PROBE_SIZE, len(validation)) if points else 0
        self.rows = np.sort(np.random.default_rng(seed).permutation(len(validation))[:size])
        self.probe = validation.take(self.rows)
        self.encoded = replace(
            encoded, query_of=encoded.query_of[self.rows], ad_of=encoded.ad_of[self.rows]
        )

    def keep_teacher(self, teacher: Predictions) -> None:
        """Store the teacher's part on the probe; `teacher` holds all validation pairs."""
        if self.moments:
            folder = self._folder()
            part = replace(teacher.take(self.rows), data_hash=self.probe.content_hash)
            part.save(folder / "teacher.parquet")

    def score_at(self, step: int, model: PairModel, device: torch.device) -> bool:
        """Score the probe when this step is one of the moments; whether it is."""
        if step not in self.moments:
            return False
        folder = self._folder()
        logits, features = score(model, self.encoded, device)
        predictions = Predictions(logits, self.probe.content_hash, self.run.id)
        if step in self.drawn:
            predictions = replace(predictions, features=features)
        predictions.save(folder / f"step-{step:08d}.parquet", compact=step in self.drawn)
        return True

    def end_at(self, step: int) -> None:
        """Make the step at which training ends early one of the moments."""
        if self.moments:
            self.moments |= {step}
            self.drawn |= {step}

    def _folder(self) -> Path:
        """The folder of the replay, with the probe in it."""
        folder = self.run.replay_folder
        if not (folder / "probe" / "dataset.json").exists():
            self.probe.save(folder / "probe")
        return folder
