"""run_report(): a run as one offline HTML page; nothing is fetched, no script is needed."""

import time
from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from kdcore.config import from_dict
from kdcore.errors import DataError, LabError
from kdcore.evaluation.evaluate import Metric
from kdcore.experiments.command_line import command_of, model_of
from kdcore.export.card import limits
from kdcore.judging.verdict import signed
from kdcore.metrics.significance import against
from kdcore.report.curves import Curve, Point, chart
from kdcore.report.facts import Facts, facts_of, provenance_of
from kdcore.report.page import block, page, paragraph, section, table
from kdcore.report.words import number, settings_of, told_latency
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_text_atomic

LONGEST = 200_000  # characters of settings that are shown
LOSSES = (
    ("loss", "loss, weighted sum", "student"),
    ("soft", "soft", "soft"),
    ("hard", "hard", "hard"),
)


def run_report(run: Run, workspace: Workspace | None = None) -> str:
    """What a run did and came to, as HTML: finding, curves, metrics, data, settings, command."""
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
        section("Settings", block(settings_of(facts.config)[:LONGEST])),
        section("Command line", block(command_line(run))),
        section(
            "Limits", "<ul>" + "".join(f"<li>{escape(x)}</li>" for x in limits(facts)) + "</ul>"
        ),
    ]
    return page(f"KD Lab: {title}", "".join(body))


def keep_report(run: Run, path: Path, *, force: bool = False) -> Path:
    """Write the report to a file; returns its whole path."""
    target = Path(path).expanduser().absolute()
    if target.is_dir():
        raise DataError(f"{target} is a folder; name a file for the report, such as report.html")
    if target.exists() and not force:
        raise DataError(f"{target} exists already; add --force to replace it")
    write_text_atomic(target, run_report(run))
    return target


def finding(facts: Facts) -> str:
    """The one sentence that matters most of what is known."""
    status = facts.run.status()
    if status.state != "finished":
        told = f": {status.message}" if status.message else ""
        return f"This run is {status.state} at step {status.step:,}{told}."
    if facts.judgement is not None:
        return " ".join([facts.judgement.sentence, *facts.judgement.caveats])
    found = facts.evaluation.metrics.get("roc_auc") if facts.evaluation else None
    if found is None or not isfinite(found.value):
        return "This run is finished; it was not measured on test pairs."
    value = f"ROC-AUC {number(found.value)} [{number(found.low)}, {number(found.high)}]"
    if facts.config.get("teacher"):
        return f"{value} on test; without a twin nothing tells what the teacher gave."
    return f"{value} on {found.n:,} test pairs, trained on labels alone."


def command_line(run: Run) -> str:
    """The command that makes this run again; a sentence where its settings are not valid here."""
    try:
        return command_of(from_dict(run.config))
    except LabError as problem:
        return f"# this version of the lab cannot read its settings: {problem}"


def _what(facts: Facts) -> list[tuple[str, str]]:
    run, config, status = facts.run, facts.config, facts.run.status()
    method = config.get("method") or {}
    seconds = next((x["seconds"] for x in reversed(run.metrics()) if "seconds" in x), None)
    rows = [
        ("run", run.id),
        ("stage", str(config.get("stage", ""))),
        ("model", model_of(config)),
        ("method", str(method.get("name", ""))),
        ("teacher", str(config.get("teacher") or "")),
        ("twin", facts.twin.run.id if facts.twin else ""),
        ("data", str(config.get("data", ""))),
        ("device", str(config.get("device", ""))),
        ("begun", time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))),
        ("took", f"{seconds:,.0f} s" if seconds else ""),
        ("state", status.state),
        ("changed", ", ".join(f"{k} = {v}" for k, v in run.about.changed.items())),
    ]
    return [(name, value) for name, value in rows if value]


def _curves(facts: Facts) -> list[str]:
    lines = facts.run.metrics()
    kept = next((x["kept_step"] for x in reversed(lines) if "kept_step" in x), None)
    losses = [Curve(name, role, _points(lines, key)) for key, name, role in LOSSES]
    told = [chart("Loss terms", losses)]
    for key, name in (("validation_roc_auc", "ROC-AUC"), ("validation_nll", "NLL")):
        level = _level(facts, lines, key)
        curves = [Curve("student", "student", _points(lines, key))]
        if facts.twin is not None:
            curves.append(Curve("twin", "twin", _points(facts.twin.run.metrics(), key)))
        if level is not None:
            curves.append(Curve("teacher", "teacher", [(0.0, level)]))
        told.append(chart(f"{name} on validation", curves, kept))
    return told


def _level(facts: Facts, lines: Sequence[Mapping[str, float]], key: str) -> float | None:
    """The teacher on the same validation pairs, as this run or the teacher's own wrote it down."""
    told = next((x[f"teacher_{key}"] for x in lines if f"teacher_{key}" in x), None)
    if told is not None or facts.teacher is None:
        return told
    theirs = provenance_of(facts.teacher.run).get("pairs", {}).get("validation")
    if theirs is None or theirs != facts.provenance.get("pairs", {}).get("validation"):
        return None
    its = facts.teacher.run.metrics()
    kept = next((x["kept_step"] for x in reversed(its) if "kept_step" in x), None)
    return next((x[key] for x in its if x["step"] == kept and key in x), None)


def _points(lines: Sequence[Mapping[str, float]], key: str) -> list[Point]:
    return [(x["step"], x[key]) for x in lines if key in x]


def _verdict(facts: Facts) -> list[str]:
    found = facts.judgement
    if found is None:
        return []
    row = (
        against(found.verdict, "its twin"),
        found.metric,
        f"{signed(found.delta)} [{signed(found.low)}, {signed(found.high)}]",
        number(found.p, 4),
        number(found.smallest_detectable),
        f"{found.n:,} {found.n_unit} of {found.queries:,} queries",
    )
    head = ("verdict", "metric", "student − twin", "p", "smallest detectable", "n")
    return [table(head, [row]), *(paragraph(caveat) for caveat in found.caveats)]


def _metrics(facts: Facts) -> list[str]:
    found = facts.evaluation
    if found is None:
        return [paragraph("Not measured: the test pairs, or its predictions on them, are missing.")]
    others = [("teacher", facts.teacher), ("twin", facts.twin)]
    beside = [
        (role, s.evaluation) for role, s in others if s is not None and s.evaluation is not None
    ]
    rows = [
        (
            metric.name,
            _span(metric),
            *(_span(each.metrics.get(key)) for _, each in beside),
            f"{metric.n:,} {metric.n_unit}",
        )
        for key, metric in found.metrics.items()
    ]
    head = ("metric", "this run", *(role for role, _ in beside), "n")
    meant = "".join(
        f"<li><b>{escape(m.name)}</b>: {escape(m.definition)}</li>" for m in found.metrics.values()
    )
    notes = [paragraph(note, "faint") for note in found.notes]
    what = f"<details><summary>What each metric means</summary><ul>{meant}</ul></details>"
    return [table(head, rows), what, *notes]


def _span(metric: Metric | None) -> str:
    if metric is None:
        return "–"
    return f"{number(metric.value)} [{number(metric.low)}, {number(metric.high)}]"


def _data(facts: Facts) -> list[str]:
    name = facts.pairs.name if facts.pairs is not None else str(facts.config.get("data", ""))
    splits = facts.provenance.get("pairs", {})
    rows = [(split, f"{n:,}", digest) for split, (n, digest) in splits.items()]
    return [
        paragraph(f"{name}. {facts.source or 'No source was given.'}"),
        *(paragraph(note, "faint") for note in facts.notes),
        table(("split", "pairs", "content hash"), rows) if rows else "",
    ]


def _versions(facts: Facts) -> list[tuple[str, str]]:
    known = {k: v for k, v in facts.provenance.items() if k != "pairs"}
    seed: Any = known.pop("seed", facts.config.get("seed", 0))
    return [("seed", str(seed)), *((name, str(value)) for name, value in known.items())]
