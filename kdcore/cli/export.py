"""`kdlab export`: a run's student as a folder that needs no lab, and the run's report as a page."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore import lab
from kdcore.cli.kit.answer import show
from kdcore.cli.kit.options import Json, RunId
from kdcore.errors import ConfigError
from kdcore.export.student import export_student
from kdcore.report.run_report import write_report


def export(
    run: RunId,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="the folder that is made")
    ] = None,
    onnx: Annotated[
        bool,
        typer.Option("--onnx", help="as ONNX too; needs kdlab installed with its extra `export`"),
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
    """Write a student for use elsewhere, checked in a process that knows no lab.

    transformers loads the folder where it knows the architecture; student.py beside the weights
    does in every case. README.md is its model card.
    """
    if to is None and report is None:
        raise ConfigError("Nothing to write:", ["give --to DIR, or --report FILE, or both"])
    if onnx and to is None:
        raise ConfigError("Nothing to write:", ["--onnx goes into the folder of --to DIR"])
    source = lab.store().get(run)
    data: dict[str, Any] = {"run": source.id}
    lines: list[str] = []
    if to is not None:
        exported = export_student(source, to, onnx, force=force)
        data |= {**vars(exported), "sentence": exported.sentence}
        files = ", ".join(exported.files)
        lines += [f"{source.id} is in {exported.folder}: {files}.", exported.sentence]
    if report is not None:
        data["report"] = write_report(source, report, force=force)
        lines.append(f"Its report is {data['report']}.")
    show(as_json, data, *lines)
