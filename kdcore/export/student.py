"""export_student(): a run's model as a folder that works without the lab."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kdcore.errors import DataError, RunError
from kdcore.export.exported import Exported
from kdcore.export.formats import FOLDER, ONNX, require_format
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, new_folder, write_text_atomic

if TYPE_CHECKING:
    from kdcore.export.check import Row
    from kdcore.models.base import PairModel

MARK = "student.json"  # every exported folder has it


def export_student(
    run: Run,
    to: Path,
    onnx: bool = False,
    *,
    form: str = FOLDER,
    int8: bool = False,
    force: bool = False,
    workspace: Workspace | None = None,
) -> Exported:
    """Write a run's model, how to load it, and its model card into a folder; whole or not at all.

    The folder is loaded in a process without the lab, and must answer as the run's model does (to
    1e-4 of a logit, to 1e-5 of a cosine), else RunError and nothing is kept. form: one of FORMATS;
    onnx: the same as form "onnx"; int8: a quantized network beside model.onnx, with its measured
    loss and gain. force: may replace an earlier export.
    """
    from kdcore.export.card import model_card
    from kdcore.export.check import sample_rows
    from kdcore.export.foreign import write_foreign
    from kdcore.export.layout import described
    from kdcore.export.onnx import require_packages
    from kdcore.models.build import load_model
    from kdcore.report.facts import facts_of

    require_exportable(run)
    require_format(run, form)
    target = Path(to).expanduser().absolute()
    _refuse_taken(target, force)
    if onnx := onnx or int8 or form == ONNX:
        require_packages()
    model, rows = load_model(run.model_folder), sample_rows(run)
    with new_folder(target, replace=True) as folder:
        if form in (FOLDER, ONNX):
            exported = _write_script(run, model, folder, rows, onnx, int8)
        else:
            exported = write_foreign(run, model, folder, rows, form)
        exported = replace(exported, folder=target)
        card = model_card(facts_of(run, workspace), exported, described(model))
        write_text_atomic(folder / "README.md", card)
        files = _files(folder)
        _remember(folder / MARK, files)
    return replace(exported, files=files)


def _write_script(
    run: Run, model: "PairModel", folder: Path, rows: "list[Row]", onnx: bool, int8: bool
) -> Exported:
    """The folder with a script, and with ONNX where that is wanted; both compared with the run."""
    from kdcore.export.check import asked_alone, difference, kept_difference, onnx_asked_alone
    from kdcore.export.int8 import INT8, write_int8
    from kdcore.export.layout import write_student
    from kdcore.export.onnx import Onnx, write_onnx
    from kdcore.models.predict import answer_texts

    ours = answer_texts(model, rows).logits
    layout = write_student(model, folder)
    logits = asked_alone(folder, rows)
    graph = write_onnx(folder, rows, ours) if onnx else Onnx()
    if graph.files:
        apart = difference(ours, onnx_asked_alone(folder, rows), "model.onnx")
        graph = replace(graph, difference=max(graph.difference, apart))
    quantized = int8 and bool(graph.files)
    return Exported(
        run=run.id,
        folder=folder,
        files=(),
        layout=layout,
        pairs=len(rows),
        difference=difference(ours, logits, "the exported student"),
        kept_difference=kept_difference(run, logits),
        onnx=(*graph.files, INT8) if quantized else graph.files,
        onnx_difference=graph.difference if graph.files else None,
        onnx_problem=graph.problem,
        form=ONNX if onnx else FOLDER,
        price=write_int8(run, model, folder, rows) if quantized else None,
    )


def _files(folder: Path) -> tuple[str, ...]:
    """The files of a folder and of the folders in it."""
    return tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()))


def _refuse_taken(target: Path, force: bool) -> None:
    """Refuse a folder that holds something else, even with --force."""
    if not target.exists():
        return
    if not target.is_dir():
        raise DataError(f"{target} is a file; name a folder to export to")
    names = _files(target)
    if not names and not any(target.iterdir()):
        return
    if MARK not in names:
        first = min(path.name for path in target.iterdir())
        raise DataError(
            f"{target} holds other files ({first}, ...); name a folder that does not exist yet"
        )
    if not force:
        raise DataError(f"{target} holds an exported student; add --force to replace it")
    own = {MARK, "__pycache__", *_remembered(target / MARK)}
    # earlier versions remembered a folder by its name alone
    if added := [n for n in names if n not in own and n.partition("/")[0] not in own]:
        raise DataError(
            f"{target} holds {added[0]}, which no export wrote; move it away, or name a folder "
            "that does not exist yet"
        )


def _remember(mark: Path, files: tuple[str, ...]) -> None:
    """Write down the files of this export, so that a later one replaces these and nothing else."""
    content = json.loads(mark.read_text(encoding="utf-8"))
    write_text_atomic(mark, json.dumps(content | {"files": files}, indent=1) + "\n")


def _remembered(mark: Path) -> list[str]:
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    files = content.get("files") if isinstance(content, dict) else None
    return [str(name) for name in files] if isinstance(files, list) else []


def require_exportable(run: Run) -> None:
    """RunError with the reason when this run has no student to export."""
    if run.is_scoring:
        raise RunError(f"{run.id} only scored pairs with {run.scored_run}; export that run")
    run.require_model()
