"""`kdlab export`: a run's student as a folder that needs no lab, and the run's report as a page."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore import lab
from kdcore.cli.kit.answer import show
from kdcore.cli.kit.options import Json, RunId
from kdcore.errors import ConfigError
from kdcore.export.formats import FOLDER, FORMATS, ONNX
from kdcore.export.student import export_student
from kdcore.report.run_report import write_report


def export(
    run: RunId,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="the folder that is made")
    ] = None,
    form: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help=", ".join(FORMATS) + "; see above"),
    ] = FOLDER,
    onnx: Annotated[
        bool,
        typer.Option("--onnx", help="the same as --format onnx; needs kdlab's extra `export`"),
    ] = False,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="also ONNX with int8 weights; its loss and gain are measured"),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="the run's report, one offline HTML file"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="replace an earlier export or report there")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a student for use elsewhere, checked in a process that cannot import the lab.

    folder (the default): student.py beside the weights reads pairs as in training.

    sentence-transformers: SentenceTransformer(folder) gives vectors and cosine of two towers.

    cross-encoder: CrossEncoder(folder) gives the logits of BERT-n or a pretrained classifier.

    static: a vector per token, no attention, for SentenceTransformer; its loss is measured.

    onnx: the folder with a script, and model.onnx for onnxruntime.

    README.md is its model card, with the lines that use it.
    """
    if to is None and report is None:
        raise ConfigError("Nothing to write:", ["give --to DIR, or --report FILE, or both"])
    graph = "--int8" if int8 else "--onnx" if onnx else ""
    if graph and to is None:
        raise ConfigError("Nothing to write:", [f"{graph} needs a folder: add --to DIR"])
    if graph and form not in (FOLDER, ONNX):
        raise ConfigError(
            "One format per folder:",
            [f"{graph} cannot be combined with --format {form}: leave one out"],
        )
    source = lab.store().get(run)
    data: dict[str, Any] = {"run": source.id}
    lines: list[str] = []
    if to is not None:
        exported = export_student(source, to, onnx, form=form, int8=int8, force=force)
        data |= {**vars(exported), "sentence": exported.sentence}
        files = ", ".join(exported.files)
        lines += [f"{source.id} is in {exported.folder}: {files}.", exported.sentence]
    if report is not None:
        data["report"] = write_report(source, report, force=force)
        lines.append(f"Its report is {data['report']}.")
    show(as_json, data, *lines)
