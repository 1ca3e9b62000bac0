"""Runs as folders: make one, find one, list them, and read what a run has left so far."""

import os
import secrets
import shutil
import string
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kdcore.errors import ConfigError, DataError, RunError, UnknownNameError
from kdcore.runs.facts import RunFacts
from kdcore.runs.metric_lines import read_lines
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import (
    CONFIG,
    LOG,
    STATUS,
    STOP,
    Record,
    Status,
    StopKind,
    derive,
    hold,
    name_in_commands,
    stop_kind,
    writing,
)
from kdcore.runs.trash import from_trash, refuse_at_work, to_trash
from kdcore.runs.writer import RunWriter
from kdcore.trash import Trashed, in_trash
from kdcore.workspace import (
    MODEL_CARD,
    Workspace,
    check_name,
    last_part,
    new_folder,
    read_json,
    slug,
    write_json_atomic,
    write_text_atomic,
)

__all__ = ["Run", "RunStore", "RunWriter", "Status"]

BUNDLED = "demo:"  # before the name of a run of the bundled demo
_NEARLY = 0.9  # of a limit: whole queries are drawn, so it is seldom reached to the pair
TEACHER_FILES = "teacher_files.json"  # in a run's folder: what the files of its teacher gave
_SUFFIX = string.digits + string.ascii_lowercase


class Run(RunFacts):
    """A run's folder: the facts read at loading, and what looks again each time it is called."""

    def status(self) -> Status:
        """How the run stands: its end, else a living process, else lost; or queued, or broken."""
        if self.problem:
            return Status(state="broken", message=self.problem)
        return derive(self.folder)

    def metrics(self) -> list[dict[str, float]]:
        """Every whole metric line so far, step and time among its numbers; nan for null."""
        return [line for _, line in read_lines(self.folder)]

    def request_stop(self, kind: StopKind = "pause") -> None:
        """Ask the run's process to stop at its next step; an ended run is left as it is."""
        if self.status().state in ("queued", "running"):
            with writing(self.folder):  # whole at once: half a word would mean another stop
                write_text_atomic(self.folder / STOP, kind)

    @property
    def stop_kind(self) -> StopKind:
        """What is requested and not done yet: to pause, to end early, or nothing."""
        return stop_kind(self.folder)

    def require_model(self, *, grades: bool = True) -> "Run":
        """Itself, or RunError when its model is not there yet, or gives no grades.

        grades: False for a use that needs none, such as a start from its layers.
        """
        if grades and not self.gives_grades:
            raise self.no_grades
        if not (self.model_folder / MODEL_CARD).exists():
            raise RunError(
                f"{self.id} is {self.status().state} and has no model yet; finish it first, "
                f"with `kdlab runs resume {name_in_commands(self.folder)}`"
            )
        return self

    @property
    def no_grades(self) -> RunError:
        """The error for who asks a pretrained model for grades."""
        return RunError(
            f"{self.id} was pretrained: it fills in hidden words and gives no grades; train a "
            "model that starts from it: `kdlab finetune --set "
            f"model.start_from={name_in_commands(self.folder)}`"
        )

    def no_predictions(self, split: str) -> RunError:
        """The error that says why there are no predictions on a split, and how to get them."""
        if not self.gives_grades:
            return self.no_grades
        name, state = name_in_commands(self.folder), self.status().state
        if state == "finished":
            files = self.predictions_path(split).parent.glob("*.parquet")
            splits = ", ".join(sorted(file.stem for file in files)) or "none"
            cure = (
                f"it has them on: {splits}; for another split that its data have, score it with "
                f"`kdlab infer {name}` and evaluate the run that this makes"
            )
        else:
            cure = f"finish it with `kdlab runs resume {name}`, or score with `kdlab infer`"
        return RunError(f"{self.id} ({state}) has no predictions on {split!r}; {cure}")

    def write(self, leader: RunWriter | None = None) -> RunWriter:
        """The writer of this folder, for the process that does the run's work; see RunWriter."""
        return RunWriter(self.folder, leader)

    def answered_hash(self, split: str = "test") -> str:
        """Content hash of the pairs that its predictions on a split answer; "" without any."""
        from kdcore.predictions import answered_hash  # brings pyarrow, which few commands need

        return answered_hash(self.predictions_path(split))

    @property
    def model_folder(self) -> Path:
        """The trained model, in the Hugging Face layout."""
        return self.folder / "model"

    @property
    def checkpoint_folder(self) -> Path:
        """What a stopped or lost run resumes from."""
        return self.folder / "checkpoint"

    @property
    def replay_folder(self) -> Path:
        """The student's answers to a few pairs at moments of its training."""
        return self.folder / "replay"

    @property
    def log_path(self) -> Path:
        """The log, with tracebacks and all that the process printed."""
        return self.folder / LOG

    def predictions_path(self, split: str) -> Path:
        """The predictions on a split."""
        return self.folder / "predictions" / f"{check_name(split, 'split')}.parquet"

    def teacher_path(self, split: str = "test") -> Path:
        """The teacher's answers to a split, if a distilled run had to ask for them at its end."""
        return self.folder / "teacher" / f"{check_name(split, 'split')}.parquet"

    @property
    def learned_from(self) -> int:
        """Pairs of train that it learned from: the limit, or all where these are clearly fewer.

        0 without a limit where the pairs were not recorded.
        """
        train = self.splits.get("train")
        pairs = train.pairs if train else 0
        reached = self.limit and pairs >= _NEARLY * self.limit
        return self.limit if reached else pairs or self.limit

    def scored_pairs(self) -> tuple[int, int] | None:
        """Pairs to learn from that its teacher's files score, and all; None where not recorded."""
        record = read_json(self.folder / TEACHER_FILES)
        scored, learned = record.get("scored"), record.get("learned")
        return (scored, learned) if isinstance(scored, int) and isinstance(learned, int) else None

    def evaluation_path(self, split: str) -> Path:
        """The evaluation on a split."""
        return self.folder / "evaluation" / f"{check_name(split, 'split')}.json"


class RunStore:
    """The runs below one folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(
        self, settings: dict[str, Any], *, title: str = "", purpose: Purpose | None = None
    ) -> Run:
        """A new queued run with an id of its own: date, minute, stage and a random ending.

        The folder appears under its id all at once, whole; no two processes get one id.
        """
        stage = slug(str(settings.get("stage") or "run")).lower()[:24]
        now = time.time()
        moment = time.strftime("%Y%m%d-%H%M", time.localtime(now))
        record = Record(state="queued", title=title, created=now)
        for _ in range(100):
            folder = self.root / f"{moment}-{stage}-{_random_suffix()}"
            try:
                with new_folder(folder) as fresh:
                    try:
                        write_json_atomic(fresh / CONFIG, settings)
                    except (TypeError, ValueError) as cause:
                        raise ConfigError(
                            f"this config cannot be written as JSON: {cause}"
                        ) from cause
                    write_json_atomic(fresh / STATUS, record.to_dict())
                    if purpose is not None:
                        purpose.write(fresh)
            except (DataError, OSError) as cause:
                if folder.exists():  # taken before, or by another process in this moment
                    continue
                raise RunError(f"no run can be made in {self.root}: {cause}") from cause
            return Run.load(folder)
        raise RunError(f"no free run id was found in {self.root}; try again in a minute")

    def get(self, run_id: str) -> Run:
        """A run by id, by a beginning that only one id has, or by the path of a run's folder.

        A run of the bundled demo is also found by `demo:NAME`.
        """
        ids = self._ids()
        if run_id in ids:
            return Run.load(self.root / run_id)
        if run_id.startswith(BUNDLED):
            run_id = str(Workspace.bundled().runs / last_part(run_id.removeprefix(BUNDLED)))
        path = os.path.expanduser(run_id)  # unlike Path's, it lets odd text from a link pass
        if run_id and os.path.isfile(os.path.join(path, STATUS)):
            return Run.load(Path(path).resolve())
        starting = [each for each in ids if run_id and each.startswith(run_id)]
        if len(starting) == 1:
            return Run.load(self.root / starting[0])
        if starting:
            several = ", ".join(sorted(starting)[:5])
            raise UnknownNameError(
                f"{len(starting)} runs begin with {run_id!r}: {several}; say more"
            )
        raise self._unknown(run_id, ids)

    def reference(self, run: Run) -> str:
        """What `get` finds a run by from any folder: its id, or its path when it lies outside."""
        folder = run.folder.resolve()
        return run.id if folder.parent == self.root.resolve() else str(folder)

    def list(self) -> list[Run]:
        """Every run, newest first; a broken folder is listed with its problem."""
        runs = [Run.load(self.root / run_id) for run_id in self._ids()]
        return sorted(runs, key=lambda run: (run.created, run.id), reverse=True)

    def delete(self, run_id: str) -> None:
        """Remove a run and all its files; the id must be whole, and no process may be writing."""
        folder = self._whole(run_id)
        refuse_at_work(folder)
        with hold(folder, patience=0):
            pass
        deleted = folder.with_name(f".{run_id}.deleted")  # a list never shows half a run
        with writing(folder):
            folder.rename(deleted)
            if deleted.is_symlink():
                deleted.unlink()
            else:
                shutil.rmtree(deleted)

    def trash(self, run_id: str) -> None:
        """Move a run on which no process works to the trash, where it stays for seven days."""
        to_trash(self._whole(run_id))

    def restore(self, run_id: str) -> Run:
        """Take a run out of the trash; UnknownNameError when it is not there."""
        return Run.load(from_trash(self.root, run_id))

    def trashed(self) -> tuple[Trashed, ...]:
        """What can be restored, thrown away last first."""
        return tuple(in_trash(self.root))

    def _ids(self) -> set[str]:
        if not self.root.is_dir():
            return set()
        return {
            entry.name
            for entry in self.root.iterdir()
            if entry.is_dir() and not entry.name.startswith(".")
        }

    def _whole(self, run_id: str) -> Path:
        """The folder of a run by its whole id; UnknownNameError without such a run."""
        ids = self._ids()
        if run_id not in ids:
            raise self._unknown(run_id, ids)
        return self.root / run_id

    def _unknown(self, run_id: str, ids: set[str]) -> UnknownNameError:
        near = get_close_matches(run_id, ids, n=1, cutoff=0.5)
        if near:
            hint = f"did you mean {near[0]!r}?"
        else:
            hint = "`kdlab runs list` shows them" if ids else f"there is none yet in {self.root}"
        return UnknownNameError(f"no run is called {run_id!r}: {hint}")


def _random_suffix() -> str:
    return "".join(secrets.choice(_SUFFIX) for _ in range(4))
