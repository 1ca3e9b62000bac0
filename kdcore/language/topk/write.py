"""Write a store: a teacher reads texts with hidden words once; its k largest logits are kept.

Each shard has its own random numbers, so one that is written again hides the same words; a stopped
or killed run goes on after the last whole one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kdcore.language.corpus import Corpus, sources
from kdcore.language.execution import carry_out
from kdcore.language.losses import UNSEEN
from kdcore.language.measure import BATCH, Fills, accuracy, fills
from kdcore.language.model import MaskedModel, fetch
from kdcore.language.plan import StorePlan
from kdcore.language.runs import RESULTS, MaskedRun, MaskedStore
from kdcore.language.start import new_student
from kdcore.language.topk.store import (
    FORMAT,
    MANIFEST,
    SHARDS,
    START,
    TOKENIZER,
    UNSEEN_FILE,
    Shard,
    digest,
    save_unseen,
)
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.writer import RunWriter
from kdcore.softlabels import SoftLabelStore
from kdcore.training.interrupt import InterruptFlag
from kdcore.workspace import Workspace, new_folder, write_json_atomic


@dataclass(frozen=True)
class Source:
    """The teacher whose logits are stored, and the texts that it reads.

    start: an untrained student with these layers of the teacher. k: how many logits are kept.
    """

    plan: StorePlan
    teacher: Any
    start: Any
    layers: list[int]
    units: WordPiece
    corpus: Corpus
    unseen: Corpus
    k: int
    teacher_hash: str

    @classmethod
    def of(cls, plan: StorePlan, device: torch.device, workspace: Workspace) -> "Source":
        """The teacher of a plan and its texts; LabError where one is missing or does not fit."""
        name = MaskedStore(workspace).teacher_of(plan)
        fetch(name)
        model = MaskedModel.load(name)
        units = WordPiece(model.tokenizer)
        seen, unseen = sources(plan, workspace)
        return cls(
            plan,
            model.net.to(device),
            *new_student(plan, model.net),
            units,
            Corpus.of(seen, units, device),
            Corpus.of(unseen, units, device),
            min(plan.k or len(model.words), len(model.words)),
            _hash_of(model.net),
        )

    @property
    def classes(self) -> int:
        """Pieces of the vocabulary, as the teacher's head counts them."""
        return int(self.teacher.get_output_embeddings().weight.shape[0])

    @property
    def key(self) -> str:
        """16 hex digits that change with anything that decides the content of a shard."""
        plan = self.plan
        parts = (self.teacher_hash, self.corpus.key, self.k, plan.seed, plan.rounds)
        return hashlib.sha256(repr((*parts, plan.shard_texts)).encode()).hexdigest()[:16]

    @property
    def shards(self) -> list[Tensor]:
        """The texts of each shard, round after round."""
        cuts = _cuts(len(self.corpus.ids), self.plan.shard_texts)
        return [rows for _ in range(self.plan.rounds) for rows in cuts]


def write(run: MaskedRun, workspace: Workspace) -> None:
    """Write a run's store, or go on with it.

    KeyboardInterrupt after Ctrl-C, RunError after another request to stop: whole shards are kept.
    """
    plan = run.plan
    assert isinstance(plan, StorePlan)

    def work(writer: RunWriter, device: torch.device) -> str:
        source = Source.of(plan, device, workspace)
        return _write(source, run, writer)

    carry_out(run, work)


def _write(source: Source, run: MaskedRun, writer: RunWriter) -> str:
    """Write the shards and the other files; return why it stopped, or "" at the end."""
    folder, todo = run.store_folder, source.shards
    paths, facts = [], []
    with InterruptFlag() as interrupt:
        for number, rows in zip(count(), todo, strict=False):
            writer.progress(number, len(todo), source.plan.stage)
            if interrupt.raised:
                raise KeyboardInterrupt
            if writer.stop_requested:
                return f"stopped on request after {number} of {len(todo)} shards"
            done = Shard.whole(folder / SHARDS, number, source.key)
            path, each = done or _shard(source, number, rows, folder / SHARDS)
            paths.append(path)
            facts.append(each)
    writer.progress(len(todo), len(todo), "finish")
    _write_manifest(source, folder, paths, _together(source, facts), run)
    return ""


@torch.inference_mode()
def _shard(
    source: Source, number: int, rows: Tensor, folder: Path
) -> tuple[Path, dict[str, float]]:
    """Hide words of some texts, let the teacher read them, and write what is kept."""
    corpus, net = source.corpus, source.teacher
    torch.manual_seed(source.plan.seed * 2**20 + number)
    ids, types = corpus.rows(rows)
    read, labels = corpus.masking.hide(ids)
    attended = (ids != corpus.pad).long()
    hidden = labels != UNSEEN
    logits = []
    for part in _cuts(len(ids), BATCH):
        longest = int(attended[part].sum(dim=1).max())
        inputs = {"input_ids": read, "attention_mask": attended, "token_type_ids": types}
        states = net.bert(**{name: each[part, :longest] for name, each in inputs.items()})[0]
        logits.append(net.cls(states[hidden[part, :longest]]).float().cpu().numpy())
    full = np.concatenate(logits)
    soft = SoftLabelStore.keep(full, source.k, keep_rest=True)
    report = soft.report(full, rest="uniform")
    facts = {
        "positions": len(soft),
        "bytes": len(soft) * _bytes_per_position(source),
        "kept": report.kept_mass,
        "least": report.least_kept_mass,
        "kl": report.kl_full_rebuilt,
    }
    shard = Shard.of(read.cpu(), types.cpu(), attended.sum(dim=1).cpu(), labels.cpu(), soft)
    return shard.write(folder, number, source.key, facts), facts


def _cuts(count: int, size: int) -> list[Tensor]:
    return [torch.arange(at, min(at + size, count)) for at in range(0, count, size)]


def _bytes_per_position(source: Source) -> int:
    """2 per logit, 4 for its index, 2 for the rest; only the logits where all are kept."""
    return 2 * source.classes if source.k == source.classes else 6 * source.k + 2


def _together(source: Source, facts: list[dict[str, float]]) -> dict[str, Any]:
    """The figures of the whole store: sums, and means over hidden words."""
    positions = sum(each["positions"] for each in facts)

    def mean(name: str) -> float:
        return sum(each[name] * each["positions"] for each in facts) / max(positions, 1)

    return {
        "k": source.k,
        "classes": source.classes,
        "positions": int(positions),
        "bytes_per_position": _bytes_per_position(source),
        "bytes": int(sum(each["bytes"] for each in facts)),
        "kept_mass": mean("kept"),
        "least_kept_mass": min(each["least"] for each in facts),
        "kl_full_rebuilt": mean("kl"),
    }


def _write_manifest(
    source: Source, folder: Path, paths: list[Path], facts: Mapping[str, Any], run: MaskedRun
) -> None:
    """Write what a student needs beside the shards, drop the rest, and last the manifest."""
    plan = source.plan
    for path in set((folder / SHARDS).iterdir()) - set(paths):
        path.unlink()
    for name, saved in ((START, source.start.save_pretrained), (TOKENIZER, source.units.save)):
        with new_folder(folder / name, replace=True) as fresh:
            saved(fresh)
    theirs: Fills = fills(source.teacher, source.unseen)
    save_unseen(folder / UNSEEN_FILE, source.unseen, theirs)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    manifest = {
        "format": FORMAT,
        "key": source.key,
        "teacher": source.teacher_hash,
        "teacher_weights": source.teacher.base_model.num_parameters(),
        "layers": source.layers,
        "corpus": source.corpus.key,
        "data": plan.data,
        "texts": plan.texts,
        "seed": plan.seed,
        "rounds": plan.rounds,
        **facts,
        "files": {path.relative_to(folder).as_posix(): digest(path) for path in files},
    }
    write_json_atomic(folder / MANIFEST, manifest)
    results = {**facts, "texts": len(source.unseen.ids), "teacher_accuracy": accuracy(theirs)}
    write_json_atomic(run.folder / RESULTS, results)


def _hash_of(net: Any) -> str:
    """16 hex digits of a model's weights, wherever they came from."""
    whole = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        whole.update(name.encode())
        whole.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()[:16]
