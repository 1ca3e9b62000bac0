"""run_report(): a run as one offline HTML page; nothing is fetched, no script is needed."""

import os
import time
from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from kdcore.config import from_dict
from kdcore.config.teacher import without_folders
from kdcore.errors import DataError, LabError
from kdcore.evaluation.evaluate import Metric
from kdcore.evaluation.texts import number, signed
from kdcore.experiments.command_line import command_of, model_of
from kdcore.metrics.significance import against
from kdcore.report.curves import Curve, Point, chart, roles_of_terms
from kdcore.report.facts import ReportFacts, facts_of
from kdcore.report.page import block, page, paragraph, section, table
from kdcore.report.words import placeless, settings_of, told_latency, without_places
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, last_part, write_text_atomic

NO_SOURCE = "No source was given."
LONGEST = 200_000  # characters of settings that are shown


def run_report(run: Run, workspace: Workspace | None = None) -> str:
    """A run as HTML: finding, curves, metrics, data, settings, command line."""
    facts = facts_of(run, workspace)
    title = run.title or run.id
    body = [
        paragraph("KD Lab, report of a run", "faint"),
        f"<h1>{escape(title)}</h1>",
        paragraph(finding(facts), "finding"),
        section("What was done", table((), _what(facts))),
        section("How it learned", *_curves(facts)),
        section("Verdict", *_verdict(facts)),
        section("Quality on the test split, with 95 % intervals over queries", *_metrics(facts)),
        section("Speed", paragraph(told_latency(facts.latency))),
        section("Data", *_data(facts)),
        section("Seed and versions", table((), _versions(facts))),
        section("Settings", block(settings_of(without_places(run.settings))[:LONGEST])),
        section("Command line", block(command_line(run))),
        section(
            "Limits", "<ul>" + "".join(f"<li>{escape(x)}</li>" for x in facts.limits) + "</ul>"
        ),
    ]
    return page(f"KD Lab: {title}", "".join(body))


def write_report(run: Run, path: Path, *, force: bool = False) -> Path:
    """Write the report to a file; returns its whole path."""
    target = Path(path).expanduser().absolute()
    if target.is_dir():
        raise DataError(f"{target} is a folder; name a file for the report, such as report.html")
    if target.exists() and not force:
        raise DataError(f"{target} exists already; add --force to replace it")
    write_text_atomic(target, run_report(run))
    return target


def finding(facts: ReportFacts) -> str:
    """The most important result in one sentence."""
    status = facts.run.status()
    if status.state != "finished":
        message = f": {placeless(status.message)}" if status.message else ""
        return f"This run is {status.state} at step {status.step:,}{message}."
    if facts.judgement is not None:
        return " ".join([facts.judgement.sentence, *facts.judgement.caveats])
    auc = facts.evaluation.metrics.get("roc_auc") if facts.evaluation else None
    if auc is None or not isfinite(auc.value):
        return "This run is finished; it was not measured on test pairs."
    value = f"ROC-AUC {number(auc.value)} [{number(auc.low)}, {number(auc.high)}]"
    if facts.run.teacher:
        return f"{value} on test; without a twin nothing tells what the teacher gave."
    how = (
        "a ready classifier with its own head"
        if facts.run.stage == "teach"
        else "trained on labels alone"
    )
    return f"{value} on {auc.n:,} test pairs, {how}."


def command_line(run: Run) -> str:
    """The command that makes this run again; a sentence where its settings are not valid here.

    A file or folder is named by its last part alone, as the page may be shared.
    """
    try:
        return command_of(from_dict(without_places(run.settings)))
    except LabError as problem:
        return f"# this version of the lab cannot read its settings: {problem}"


def _what(facts: ReportFacts) -> list[tuple[str, str]]:
    run, changed = facts.run, without_places(facts.run.purpose.changed)
    rows = [
        ("run", run.id),
        ("stage", run.stage),
        ("model", model_of(without_places(run.model))),
        ("method", run.method),
        ("teacher", without_folders(run.teacher)),
        ("twin", facts.twin.id if facts.twin else ""),
        ("data", _name(run.data)),
        ("device", run.device),
        ("begun", time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))),
        ("took", f"{run.seconds:,.0f} s" if run.seconds else ""),
        ("state", run.status().state),
        ("changed", ", ".join(f"{k} = {v}" for k, v in changed.items())),
    ]
    return [(name, value) for name, value in rows if value]


def _curves(facts: ReportFacts) -> list[str]:
    lines = facts.run.metric_lines
    saved = next((x["kept_step"] for x in reversed(lines) if "kept_step" in x), None)
    roles = roles_of_terms(facts.run.weights)
    losses, weights = (
        [
            Curve(name.replace("_", " "), role, _points(lines, f"{name}{end}"))
            for name, role in roles.items()
        ]
        for end in ("", "_weight")
    )
    total = Curve("loss, weighted sum", "student", _points(lines, "loss"))
    warmth = Curve("T", "soft", _points(lines, "temperature"))
    figures = [chart("Loss terms", [total, *losses])]
    figures += [chart("Weights of the terms", weights), chart("Temperature", [warmth])]
    for key, name in (("validation_roc_auc", "ROC-AUC"), ("validation_nll", "NLL")):
        level = _level(facts, lines, key)
        curves = [Curve("student", "student", _points(lines, key))]
        if facts.twin is not None:
            curves.append(Curve("twin", "twin", _points(facts.twin.metric_lines, key)))
        if level is not None:
            curves.append(Curve("teacher", "teacher", [(0.0, level)]))
        figures.append(chart(f"{name} on validation", curves, saved))
    return figures


def _level(facts: ReportFacts, lines: Sequence[Mapping[str, float]], key: str) -> float | None:
    """The teacher on the same validation pairs, from this run's lines or from the teacher's own."""
    level = next((x[f"teacher_{key}"] for x in lines if f"teacher_{key}" in x), None)
    if level is not None or facts.teacher is None:
        return level
    pairs = facts.teacher.splits.get("validation")
    if pairs is None or pairs != facts.run.splits.get("validation"):
        return None
    return facts.teacher.saved_line.get(key)


def _points(lines: Sequence[Mapping[str, float]], key: str) -> list[Point]:
    return [(x["step"], x[key]) for x in lines if key in x]


def _verdict(facts: ReportFacts) -> list[str]:
    judgement = facts.judgement
    if judgement is None:
        return []
    row = (
        against(judgement.verdict, "its twin"),
        judgement.metric,
        f"{signed(judgement.delta)} [{signed(judgement.low)}, {signed(judgement.high)}]",
        number(judgement.p, 4),
        number(judgement.smallest_detectable),
        f"{judgement.n:,} {judgement.n_unit} of {judgement.queries:,} queries",
    )
    head = ("verdict", "metric", "student − twin", "p", "smallest detectable", "n")
    return [table(head, [row]), *(paragraph(caveat) for caveat in judgement.caveats)]


def _metrics(facts: ReportFacts) -> list[str]:
    evaluation = facts.evaluation
    if evaluation is None:
        return [paragraph("Not measured: the test pairs, or its predictions on them, are missing.")]
    rivals = facts.rivals
    rows = [
        (
            metric.name,
            _span(metric),
            *(_span(each.metrics.get(key)) for _, each in rivals),
            f"{metric.n:,} {metric.n_unit}",
        )
        for key, metric in evaluation.metrics.items()
    ]
    head = ("metric", "this run", *(role for role, _ in rivals), "n")
    definitions = "".join(
        f"<li><b>{escape(m.name)}</b>: {escape(m.definition)}</li>"
        for m in evaluation.metrics.values()
    )
    notes = [paragraph(note, "faint") for note in evaluation.notes]
    what = f"<details><summary>What each metric means</summary><ul>{definitions}</ul></details>"
    return [table(head, rows), what, *notes]


def _span(metric: Metric | None) -> str:
    if metric is None:
        return "–"
    return f"{number(metric.value)} [{number(metric.low)}, {number(metric.high)}]"


def _data(facts: ReportFacts) -> list[str]:
    rows = [(split, f"{n:,}", digest) for split, (n, digest) in facts.run.splits.items()]
    return [
        paragraph(f"{_name(facts.data_name)}. {placeless(facts.source) or NO_SOURCE}"),
        *(paragraph(placeless(note), "faint") for note in facts.notes),
        table(("split", "pairs", "content hash"), rows) if rows else "",
    ]


def _name(data: str) -> str:
    """The name of the data, without the folder."""
    return last_part(data) if os.path.isabs(data) else data


def _versions(facts: ReportFacts) -> list[tuple[str, str]]:
    versions = {
        k: v for k, v in facts.run.provenance.items() if k not in ("pairs", "data", "notes")
    }
    seed: Any = versions.pop("seed", facts.run.seed)
    return [("seed", str(seed)), *((name, str(value)) for name, value in versions.items())]
