"""The sections of the table: who races whom, and which goal each row answers."""

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import light
import ours
import peers
from data import Job, prepare
from measure import Contender, Effort, apart, race
from table import Goal, Row

PAIRS_A_SECOND = "pairs/s"


class Bench:
    """One thread count; each method is a section and gives its rows."""

    def __init__(self, sizes: Any, data: str, ads: str, threads: int, full: bool) -> None:
        self.sizes, self.data, self.threads, self.full = sizes, data, threads, full
        self.ads = ads

    @cached_property
    def job(self) -> Job:
        """Pairs, tokens and targets, made once."""
        return prepare(self.data, self.ads, self.sizes.pairs, self.sizes.batch, self.threads)

    def sameness(self) -> list[Row]:
        """Whether all contenders compute the same thing from the same weights."""
        gaps = apart(ours.largest_gap, self.job.first(min(256, self.sizes.scored)))
        return [
            Row("sameness", f"{name}, plain and ours", gap, "largest gap of a score")
            for name, gap in gaps.items()
        ]

    def distill(self) -> list[Row]:
        """Distilling from a cached teacher."""
        rates = self._race(
            {
                "plain loop": peers.distill_plain,
                "HF Trainer tuned": peers.distill_trainer,
                "teacher in the loop": peers.distill_in_loop,
                "ours": ours.distill_ours,
            }
        )
        goals = (
            Goal.least("× plain", rates["ours"] / rates["plain loop"], 6),
            Goal.least("× HF Trainer", rates["ours"] / rates["HF Trainer tuned"], 3),
            Goal.least("× in the loop", rates["ours"] / rates["teacher in the loop"], 25),
        )
        return _rated("distill", rates, goals)

    def scoring(self) -> list[Row]:
        """A teacher scores pairs, from texts to a file."""
        rates = self._race(
            {
                "plain loop": peers.score_plain,
                "similar lengths together": peers.score_sorted,
                "ours": ours.score_ours,
            },
            self.job.first(self.sizes.scored),
        )
        goals = (Goal.least("× plain", rates["ours"] / rates["plain loop"], 5),)
        same = apart(ours.rank_correlation, self.job, self.sizes.taught)
        return [
            *_rated("teacher scoring", rates, goals),
            Row(
                "teacher scoring",
                "ours with fp32",
                same,
                "Spearman",
                goals=(Goal.least("rank correlation", same, 0.9999),),
            ),
        ]

    def finetune(self) -> list[Row]:
        """Fine-tuning the cross-encoder on hard labels."""
        rates = self._race(
            {
                "plain loop": peers.finetune_plain,
                "HF Trainer tuned": peers.finetune_trainer,
                "ours": ours.finetune_ours,
            }
        )
        goals = (Goal.least("× HF Trainer", rates["ours"] / rates["HF Trainer tuned"], 2),)
        return _rated("fine-tune", rates, goals)

    def evaluation(self) -> list[Row]:
        """Metrics of so many pairs, without and with resampling."""
        rounds = max(self.sizes.rounds // 2, 1)
        found = apart(light.evaluation, self.data, self.sizes.judged, rounds)
        job = f"evaluate {found['pairs']:,.0f} pairs, {found['queries']:,.0f} queries"
        both = found["bootstraps"] + found["permutations"]
        metrics = 1000 * found["metrics"]
        rows = {
            "scikit-learn loop": (found["plain"], ()),
            "ours": (found["metrics"], (Goal.most("ms", metrics, 20),)),
            "ours, 1,000 bootstraps": (found["bootstraps"], ()),
            "ours, 10,000 permutations of two models": (found["permutations"], ()),
            "ours, both": (both, (Goal.most("s", both, 1),)),
            "ours, compare() as the app calls it": (found["compare"], ()),
        }
        return [
            Row(job, how, 1000 * seconds, "ms", found["plain"] / seconds, goals)
            for how, (seconds, goals) in rows.items()
        ]

    def scale(self) -> list[Row]:
        """Growth at ten times the pairs and, in a full run, the memory of a million."""
        small = self.sizes.judged
        found = apart(light.growth, self.job, small)
        rows = []
        for what in ("evaluation", "batches"):
            growth = 10 * found[f"{what} large"] / found[f"{what} small"]
            job = {"evaluation": "evaluate", "batches": "tokenize and batch"}[what]
            how = f"{small:,} to {10 * small:,} pairs"
            rows.append(Row(job, how, growth, "× time", goals=(Goal.most("×", growth, 10.5),)))
        seconds = 10 * small * found["evaluation large"]
        rows.append(_evaluated(10 * small, seconds, 0.1))
        return rows + (self._memory(1_000_000) if self.full else [])

    def _memory(self, pairs: int) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            apart(light.keep_world, pairs, Path(folder))
            found = apart(light.memory, self.job.first(10_000), Path(folder))
        goal = Goal.most("GiB", found["peak"], 4)
        how = f"{pairs:,} pairs loaded, encoded, evaluated (libraries {found['before']:.2f})"
        peak = Row("peak memory", how, found["peak"], "GiB", goals=(goal,))
        return [peak, _evaluated(pairs, found["evaluation"], 1.5)]

    def sources(self) -> list[Row]:
        """The bundled world, and an import of a CSV."""
        found = apart(light.sources, self.sizes.pairs)
        return [
            Row("make the world", "ours", found["world"], PAIRS_A_SECOND),
            Row("import a CSV", "ours", found["import"], "rows/s"),
        ]

    def _race(self, contenders: dict[str, Contender], job: Job | None = None) -> dict[str, float]:
        effort = Effort(self.sizes.rounds, self.sizes.turn_seconds, self.sizes.warmup)
        return race(contenders, job or self.job, effort)


def _evaluated(pairs: int, seconds: float, most: float) -> Row:
    """Evaluation without resampling; most: seconds, the goal at this number of pairs."""
    goal = Goal.most("s", seconds, most)
    return Row(f"evaluate {pairs:,} pairs", "ours", 1000 * seconds, "ms", goals=(goal,))


def _rated(job: str, rates: dict[str, float], goals: tuple[Goal, ...]) -> list[Row]:
    base = rates["plain loop"]
    return [
        Row(job, how, rate, PAIRS_A_SECOND, rate / base, goals if how == "ours" else ())
        for how, rate in rates.items()
    ]
