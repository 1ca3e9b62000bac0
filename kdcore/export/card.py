"""The model card of an exported student: README.md with the front matter that model hubs read."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import yaml

from kdcore.catalog import METHODS, READY, STUDENTS
from kdcore.config.teacher import files_of, read_teacher, without_folders
from kdcore.evaluation.evaluate import Metric
from kdcore.evaluation.tasks import task_table
from kdcore.evaluation.texts import number
from kdcore.export.exported import Exported
from kdcore.export.formats import CROSS, SENTENCE, STATIC
from kdcore.export.usage import usage
from kdcore.metrics.definitions import shown_in
from kdcore.report.facts import ReportFacts
from kdcore.report.words import placeless, settings_of, told_latency, without_places

SHOWN = shown_in("model_card")
_LIBRARIES = {
    "transformers": "transformers",
    SENTENCE: "sentence-transformers",
    CROSS: "sentence-transformers",
    STATIC: "sentence-transformers",
}
_TASKS = {
    SENTENCE: "sentence-similarity",
    CROSS: "text-ranking",
    STATIC: "sentence-similarity",
}
_OF_THE_RUN = (
    "**These are the figures of the run that it was made from.** Its own stand under Speed."
)


def model_card(facts: ReportFacts, exported: Exported, model: Mapping[str, Any]) -> str:
    """Front matter, how to use it, data, teacher, method, metrics, verdict, latency, limits."""
    parts = [
        f"# {_title(facts)}",
        _what(facts),
        "## Use",
        usage(exported, model, _grades(facts)),
        "## Data",
        *_data(facts),
        "## Teacher, method and settings",
        *_method(facts),
        "## Quality on the test split",
        _OF_THE_RUN if exported.form == STATIC else "",
        *_metrics(facts),
        "\n".join(task_table(facts.run.folder)),
        "## Speed",
        told_latency(facts.latency),
        exported.price.sentence if exported.price else "",
        "## Limits",
        "\n".join(f"- {limit}" for limit in facts.limits),
        "## How this folder was checked",
        placeless(exported.sentence),
    ]
    return f"---\n{_front(facts, exported)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def _title(facts: ReportFacts) -> str:
    name = facts.run.model_name
    entry = READY if name == READY.module else STUDENTS.get(name)
    kind = entry.title if entry else name or "Student"
    return f"{kind}: {one_line(facts.run.title or facts.run.id)}"


def one_line(text: str) -> str:
    """A person's text on one line, without paths, Markdown marks and HTML."""
    safe = placeless(" ".join(str(text).split()))
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("|", "\\|")):
        safe = safe.replace(mark, instead)
    return safe


def _what(facts: ReportFacts) -> str:
    name = facts.run.model_name
    if facts.run.stage == "teach":
        return (
            f"A ready classifier of search relevance with its own head: {_origin(facts)}. Nothing "
            f"was trained; KD Lab scored pairs with it in run `{facts.run.id}`."
        )
    entry = STUDENTS.get(name)
    summary = f"{entry.summary} ({entry.paper})" if entry else ""
    how = "distilled" if facts.run.teacher else "trained on labels"
    how += " of several tasks" if facts.run.stage == "multitask" else ""
    how += " from a teacher" if facts.run.teachers or files_of(facts.run.teacher) else ""
    return f"A model of search relevance, {how} in KD Lab, run `{facts.run.id}`. {summary}".strip()


def _origin(facts: ReportFacts) -> str:
    """The name of the folder, or the hub id, that a ready classifier came from."""
    return f"`{one_line(str(without_places(facts.run.model).get('checkpoint')))}`"


def _grades(facts: ReportFacts) -> Sequence[str]:
    if facts.evaluation is not None:
        return facts.evaluation.grades
    return facts.pairs.scheme.grades if facts.pairs is not None else ()


def _data(facts: ReportFacts) -> list[str]:
    name = _data_name(facts)
    parts = [f"{one_line(name)}. {one_line(facts.source) or 'No source was given.'}"]
    splits = facts.run.splits.items()
    rows = [f"- {split}: {n:,} pairs, content hash `{digest}`" for split, (n, digest) in splits]
    rows += [f"- {one_line(note)}" for note in facts.notes]
    if facts.non_commercial:
        parts.append("**The terms of these data allow no commercial use.**")
    return [*parts, "\n".join(rows)]


def _data_name(facts: ReportFacts) -> str:
    """The name of the data, without the folder."""
    return str(without_places({"data": facts.data_name})["data"])


def _method(facts: ReportFacts) -> list[str]:
    parts = []
    if facts.run.teacher:
        methods = dict.fromkeys(term.method for term in facts.run.soft_terms.values())
        entries = [METHODS[name] for name in methods if name in METHODS]
        how = "".join(f" {each.title}: {each.summary} ({each.paper})" for each in entries)
        parts.append(f"Teacher: {_teacher(facts)}.{how}")
    elif facts.run.stage == "teach":
        parts.append(
            "No teacher, and no training: the weights are its author's. Where its logits were "
            "calibrated, a note under Data tells T and the biases, which its head now holds."
        )
    elif facts.run.stage == "multitask":
        parts.append(
            "No teacher: one encoder learned from the grades and from labels of other tasks. The "
            "heads of the other tasks are not exported."
        )
    else:
        parts.append("No teacher: it learned from the labels alone.")
    twin = facts.twin
    if twin is not None:
        parts.append(f"Its twin, the same student without a teacher, is run `{twin.id}`.")
    return [*parts, f"```yaml\n{settings_of(without_places(facts.run.settings))}```"]


def _teacher(facts: ReportFacts) -> str:
    teacher = read_teacher(facts.run.teacher)
    if teacher is not None and teacher.kind != "run":
        text = one_line(without_folders(facts.run.teacher))
        return f"`{text}`: {teacher.entry.summary} ({teacher.entry.paper})"
    if facts.teacher is None:
        named = str(without_places(facts.run.settings).get("teacher"))
        return f"run `{one_line(named)}`, which is not at hand"
    name = facts.teacher.model_name
    title = STUDENTS[name].title if name in STUDENTS else "a model"
    return f"{title}, run `{facts.teacher.id}`"


def _metrics(facts: ReportFacts) -> list[str]:
    evaluation = facts.evaluation
    if evaluation is None:
        return ["Not measured: the test pairs, or predictions on them, are missing."]
    rivals = facts.rivals
    name = "this model" if facts.run.stage == "teach" else "this student"
    head = ["metric", f"{name} [95 %]", *(role for role, _ in rivals), "n"]
    rows = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for key in SHOWN:
        if key not in evaluation.metrics:
            continue
        metric = evaluation.metrics[key]
        others = [_value(each.metrics.get(key)) for _, each in rivals]
        cells = [metric.name, _span(metric), *others, f"{metric.n:,} {metric.n_unit}"]
        rows.append(f"| {' | '.join(cells)} |")
    basis = f"Data `{evaluation.data_hash}`; 95 % intervals by bootstrap over queries."
    parts = [basis, "\n".join(rows)]
    if facts.judgement is not None:
        parts.append(f"**{facts.judgement.sentence}**")
        parts += facts.judgement.caveats
    elif facts.run.teacher:
        parts.append("No verdict: its twin without a teacher has not scored these pairs.")
    return parts


def _span(metric: Metric) -> str:
    return f"{number(metric.value)} [{number(metric.low)}, {number(metric.high)}]"


def _value(metric: Metric | None) -> str:
    return number(metric.value) if metric else "–"


def _front(facts: ReportFacts, exported: Exported) -> str:
    """The front matter that a hub indexes; the owner chooses the license of the weights."""
    languages: list[str] = []
    if facts.pairs is not None:
        languages = sorted(map(str, facts.pairs.frame["language"].unique()))[:20]
    name = _data_name(facts)
    terms = "non-commercial-data" if facts.non_commercial else "see-data"
    front: dict[str, Any] = {
        "language": languages or ["en"],
        "license": "other",
        "license_name": "see-author" if facts.run.stage == "teach" else terms,
        "license_link": "README.md",
        "library_name": _LIBRARIES.get(exported.layout, "pytorch"),
        "pipeline_tag": _TASKS.get(exported.layout, "text-classification"),
        "tags": ["knowledge-distillation", "search-relevance", "kdlab"],
    }
    if results := _results(facts):
        task = {"type": "text-classification", "name": "Search relevance"}
        data = {"type": "kdlab", "name": name, "split": "test"}
        result = {"task": task, "dataset": data, "metrics": results}
        front["model-index"] = [{"name": facts.run.id, "results": [result]}]
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _results(facts: ReportFacts) -> list[dict[str, Any]]:
    if facts.evaluation is None:
        return []
    metrics = {k: facts.evaluation.metrics[k] for k in SHOWN if k in facts.evaluation.metrics}
    return [
        {"type": key, "name": metric.name, "value": round(metric.value, 4)}
        for key, metric in metrics.items()
        if isfinite(metric.value)
    ]
