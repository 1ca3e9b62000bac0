"""What the student says while it learns: its logits on a small fixed probe, moment by moment.

replay/probe/ holds the probe as a PairTable, replay/step-00000020.parquet the Predictions on it
after 20 steps (step 0 is before it learned anything), replay/teacher.parquet what its teacher
says. The probe is drawn by the seed from the validation pairs, so a student and its twin have the
same. A resumed run writes the same files again, so a kill leaves no gap.
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
from kdcore.training.metric_log import evenly

PROBE_SIZE = 300


class Replay:
    """Scores a probe of the validation pairs before the first step and at evenly spread steps."""

    def __init__(
        self, run: Run, validation: PairTable, encoded: Encoded, points: int, steps: int, seed: int
    ) -> None:
        self.run = run
        self.moments = evenly(points, steps) | {0} if points else frozenset()
        size = min(PROBE_SIZE, len(validation)) if points else 0
        self.rows = np.sort(np.random.default_rng(seed).permutation(len(validation))[:size])
        self.probe = validation.take(self.rows)
        self.encoded = replace(
            encoded, query_of=encoded.query_of[self.rows], ad_of=encoded.ad_of[self.rows]
        )

    def taught_by(self, teacher: Predictions | None) -> None:
        """Keep what the teacher says of the probe; `teacher` has answered the validation pairs."""
        if teacher is None or not self.moments:
            return
        folder = self._folder()
        answers = replace(teacher.take(self.rows), data_hash=self.probe.content_hash)
        answers.save(folder / "teacher.parquet")

    def look(self, model: PairModel, device: torch.device, step: int) -> bool:
        """Score the probe when this step is one of the moments; whether it is."""
        if step not in self.moments:
            return False
        folder = self._folder()
        logits, _ = score(model, self.encoded, device)
        answers = Predictions(logits, self.probe.content_hash, self.run.id)
        answers.save(folder / f"step-{step:08d}.parquet")
        return True

    def look_last(self, model: PairModel, device: torch.device, step: int) -> None:
        """Score the probe at the step at which training ends before its time."""
        if self.moments:
            self.moments |= {step}
            self.look(model, device, step)

    def _folder(self) -> Path:
        """The folder of the moments, with the probe in it."""
        folder = self.run.replay_folder
        if not (folder / "probe" / "dataset.json").exists():
            self.probe.save(folder / "probe")
        return folder
