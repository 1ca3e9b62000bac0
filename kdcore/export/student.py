"""export_student(): a run's model as a folder that works where no lab is."""

import json
from dataclasses import dataclass
from pathlib import Path

from kdcore.errors import DataError, RunError
from kdcore.export.check import TOLERANCE
from kdcore.knobs import plain
from kdcore.report.words import at_most
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, new_folder, write_text_atomic

_COARSE = ", because they were computed in bf16; train it again with precision fp32 to be closer"
MARK = "student.json"  # what tells an exported folder from any other


@dataclass(frozen=True)
class Exported:
    """An exported student, checked.

    layout: "transformers" (AutoModelForSequenceClassification loads it) or "script" (student.py
    does). difference: the largest one of a logit to the run's own model on `pairs` pairs, asked
    in a process that cannot import the lab. kept_difference: the largest one to the answers that
    the run kept, from which its metrics come. onnx: its ONNX files; onnx_problem: why it has none.
    """

    run: str
    folder: Path
    files: tuple[str, ...]
    layout: str
    pairs: int
    difference: float
    kept_difference: float | None = None
    onnx: tuple[str, ...] = ()
    onnx_difference: float | None = None
    onnx_problem: str = ""

    @property
    def sentence(self) -> str:
        """What was checked and how near it came."""
        told = (
            f"Checked on {self.pairs} pairs where the lab cannot be imported: no logit differs "
            f"by more than {at_most(self.difference)}."
        )
        if self.kept_difference is not None:
            told += (
                " From the predictions saved by the run, on which its metrics are based, none "
                f"by more than {at_most(self.kept_difference)}"
                f"{_COARSE if self.kept_difference > TOLERANCE else ''}."
            )
        if self.onnx_difference is not None:
            told += f" ONNX: none by more than {at_most(self.onnx_difference)}."
        return f"{told} {self.onnx_problem}".rstrip()


def export_student(
    run: Run,
    to: Path,
    onnx: bool = False,
    *,
    force: bool = False,
    workspace: Workspace | None = None,
) -> Exported:
    """Write a run's model, how to load it, and its model card into a folder; whole or not at all.

    The folder is loaded in a process without the lab, and must answer as the run's model does to
    1e-4 of a logit, else RunError and nothing is kept. force: may replace an earlier export.
    """
    from kdcore.export.card import model_card
    from kdcore.export.check import asked_alone, difference, kept_difference, sample_rows
    from kdcore.export.layout import write_student
    from kdcore.export.onnx import Onnx, require_packages, write_onnx
    from kdcore.models.predict import answer_texts, load_model
    from kdcore.report.facts import facts_of

    require_exportable(run)
    target = Path(to).expanduser().absolute()
    _refuse_taken(target, force)
    if onnx:
        require_packages()
    model, rows = load_model(run.model_folder), sample_rows(run)
    ours = answer_texts(model, rows).logits
    with new_folder(target, replace=True) as folder:
        layout = write_student(model, folder)
        theirs = asked_alone(folder, rows)
        graph = write_onnx(folder, rows, ours) if onnx else Onnx()
        made = Exported(
            run=run.id,
            folder=target,
            files=(),
            layout=layout,
            pairs=len(rows),
            difference=difference(ours, theirs, "the exported student"),
            kept_difference=kept_difference(run, theirs),
            onnx=graph.files,
            onnx_difference=graph.difference if graph.files else None,
            onnx_problem=graph.problem,
        )
        card = model_card(facts_of(run, workspace), made, plain(model.config))
        write_text_atomic(folder / "README.md", card)
        files = tuple(sorted(path.name for path in folder.iterdir()))
        _remember(folder / MARK, files)
    return Exported(**{**vars(made), "files": files})


def _refuse_taken(target: Path, force: bool) -> None:
    """A folder that holds something else is never replaced, however it is asked for."""
    if not target.exists():
        return
    if not target.is_dir():
        raise DataError(f"{target} is a file; name a folder to export to")
    held = sorted(path.name for path in target.iterdir())
    if not held:
        return
    if MARK not in held:
        raise DataError(
            f"{target} holds other files ({held[0]}, ...); name a folder that does not exist yet"
        )
    if not force:
        raise DataError(f"{target} holds an exported student; add --force to replace it")
    own = {MARK, "__pycache__", *_remembered(target / MARK)}
    if added := [name for name in held if name not in own]:
        raise DataError(
            f"{target} holds {added[0]}, which no export wrote; move it away, or name a folder "
            "that does not exist yet"
        )


def _remember(mark: Path, files: tuple[str, ...]) -> None:
    """What this export wrote, so that a later one replaces that and nothing else."""
    about = json.loads(mark.read_text(encoding="utf-8"))
    write_text_atomic(mark, json.dumps(about | {"files": files}, indent=1) + "\n")


def _remembered(mark: Path) -> list[str]:
    try:
        about = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    files = about.get("files") if isinstance(about, dict) else None
    return [str(name) for name in files] if isinstance(files, list) else []


def require_exportable(run: Run) -> None:
    """RunError with the reason when this run has no student to export."""
    if run.config.get("stage") == "infer":
        asked = run.config.get("run", "")
        raise RunError(f"{run.id} only scored pairs with {asked}; export that run")
    run.require_model()
