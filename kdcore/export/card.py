"""The model card of an exported student: README.md with the front matter that model hubs read."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import yaml

from kdcore.catalog import METHODS, STUDENTS
from kdcore.evaluation.evaluate import Metric
from kdcore.export.student import Exported
from kdcore.export.usage import usage
from kdcore.report.facts import Facts
from kdcore.report.words import number, placeless, settings_of, told_latency, without_places

SHOWN = ("roc_auc", "pr_auc", "ndcg@5", "ndcg@10", "nll", "ece_mass", "accuracy")


def model_card(facts: Facts, made: Exported, model: Mapping[str, Any]) -> str:
    """Front matter, how to use it, data, teacher, method, metrics, verdict, latency, limits."""
    parts = [
        f"# {_title(facts)}",
        _what(facts),
        "## Use",
        usage(made, model, _grades(facts)),
        "## Data",
        *_data(facts),
        "## Teacher, method and settings",
        *_method(facts),
        "## Quality on the test split",
        *_metrics(facts),
        "## Speed",
        told_latency(facts.latency),
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits(facts)),
        "## How this folder was checked",
        placeless(made.sentence),
    ]
    return f"---\n{_front(facts, made)}---\n\n" + "\n\n".join(filter(None, parts)) + "\n"


def limits(facts: Facts) -> list[str]:
    """What nobody should take this student for, a sentence each."""
    told = [
        "It grades how well an ad matches a query. It is not made for decisions about people, "
        "credit, health, work or law, and was not tested for fairness between groups.",
        "Measured on the pairs named above alone: other languages, markets, times or kinds of "
        "text may go much worse, and nothing warns when they do.",
    ]
    if facts.made_world:
        told.append(
            "Its data are a made world: a program invented queries, ads and grades. It has seen "
            "no real search, so it is for learning and comparing, not for use on real traffic."
        )
    if facts.non_commercial:
        told.append(
            "NON-COMMERCIAL DATA: it was trained on data whose terms allow no commercial use; "
            "the same must be assumed of these weights."
        )
    if not facts.source:
        told.append("The source and the terms of its data are not known: find out before sharing.")
    told.append("These weights come of one seed: another one may move every number here.")
    if facts.config.get("teacher"):
        told.append(
            "It learned from a teacher's predictions, and so it also learned the teacher's errors."
        )
    return told


def _title(facts: Facts) -> str:
    name = str(facts.model.get("name", ""))
    entry = STUDENTS.get(name)
    kind = entry.title if entry else name or "Student"
    return f"{kind}: {one_line(facts.run.title or facts.run.id)}"


def one_line(text: str) -> str:
    """A text of a person on one line, without places, Markdown marks and HTML."""
    safe = placeless(" ".join(str(text).split()))
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("|", "\\|")):
        safe = safe.replace(mark, instead)
    return safe


def _what(facts: Facts) -> str:
    name = str(facts.model.get("name", ""))
    entry = STUDENTS.get(name)
    said = f"{entry.summary} ({entry.paper})" if entry else ""
    taught = "distilled from a teacher" if facts.config.get("teacher") else "trained on labels"
    return f"A model of search relevance, {taught} in KD Lab, run `{facts.run.id}`. {said}".strip()


def _grades(facts: Facts) -> Sequence[str]:
    if facts.evaluation is not None:
        return facts.evaluation.grades
    return facts.pairs.scheme.grades if facts.pairs is not None else ()


def _data(facts: Facts) -> list[str]:
    name = _data_name(facts)
    told = [f"{one_line(name)}. {one_line(facts.source) or 'No source was given.'}"]
    splits = facts.provenance.get("pairs", {})
    rows = [
        f"- {split}: {n:,} pairs, content hash `{digest}`" for split, (n, digest) in splits.items()
    ]
    rows += [f"- {one_line(note)}" for note in facts.notes]
    if facts.non_commercial:
        told.append("**The terms of these data allow no commercial use.**")
    return [*told, "\n".join(rows)]


def _data_name(facts: Facts) -> str:
    """What the data are called, without where they lie."""
    told = {"data": facts.pairs.name if facts.pairs is not None else facts.config.get("data", "")}
    return str(without_places(told)["data"])


def _method(facts: Facts) -> list[str]:
    told = []
    if facts.config.get("teacher"):
        method = METHODS.get(str((facts.config.get("method") or {}).get("name", "")))
        how = f" {method.title}: {method.summary} ({method.paper})" if method else ""
        told.append(f"Teacher: {_teacher(facts)}.{how}")
    else:
        told.append("No teacher: it learned from the labels alone.")
    twin = facts.twin
    if twin is not None:
        told.append(f"Its twin, the same student without a teacher, is run `{twin.run.id}`.")
    return [*told, f"```yaml\n{settings_of(without_places(facts.config))}```"]


def _teacher(facts: Facts) -> str:
    if facts.teacher is None:
        named = str(without_places(facts.config).get("teacher"))
        return f"run `{one_line(named)}`, which is not at hand"
    run = facts.teacher.run
    name = str((run.config.get("model") or run.config.get("student") or {}).get("name", ""))
    title = STUDENTS[name].title if name in STUDENTS else "a model"
    return f"{title}, run `{run.id}`"


def _metrics(facts: Facts) -> list[str]:
    found = facts.evaluation
    if found is None:
        return ["Not measured: the test pairs, or predictions on them, are missing."]
    others = [("teacher", facts.teacher), ("twin", facts.twin)]
    beside = [
        (role, s.evaluation) for role, s in others if s is not None and s.evaluation is not None
    ]
    head = ["metric", "this student [95 %]", *(role for role, _ in beside), "n"]
    rows = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for key in SHOWN:
        if key not in found.metrics:
            continue
        metric = found.metrics[key]
        more = [_value(each.metrics.get(key)) for _, each in beside]
        cells = [metric.name, _span(metric), *more, f"{metric.n:,} {metric.n_unit}"]
        rows.append(f"| {' | '.join(cells)} |")
    about = f"Data `{found.data_hash}`; 95 % intervals by bootstrap over queries."
    told = [about, "\n".join(rows)]
    if facts.judgement is not None:
        told.append(f"**{facts.judgement.sentence}**")
        told += facts.judgement.caveats
    elif facts.config.get("teacher"):
        told.append("No verdict: its twin without a teacher has not scored these pairs.")
    return told


def _span(metric: Metric) -> str:
    return f"{number(metric.value)} [{number(metric.low)}, {number(metric.high)}]"


def _value(metric: Metric | None) -> str:
    return number(metric.value) if metric else "–"


def _front(facts: Facts, made: Exported) -> str:
    """What a hub's index reads; the license of the weights is the owner's to say."""
    languages: list[str] = []
    if facts.pairs is not None:
        languages = sorted(map(str, facts.pairs.frame["language"].unique()))[:20]
    name = _data_name(facts)
    about: dict[str, Any] = {
        "language": languages or ["en"],
        "license": "other",
        "license_name": "non-commercial-data" if facts.non_commercial else "see-data",
        "license_link": "README.md",
        "library_name": "transformers" if made.layout == "transformers" else "pytorch",
        "pipeline_tag": "text-classification",
        "tags": ["knowledge-distillation", "search-relevance", "kdlab"],
    }
    if results := _results(facts):
        task = {"type": "text-classification", "name": "Search relevance"}
        data = {"type": "kdlab", "name": name, "split": "test"}
        result = {"task": task, "dataset": data, "metrics": results}
        about["model-index"] = [{"name": facts.run.id, "results": [result]}]
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True)


def _results(facts: Facts) -> list[dict[str, Any]]:
    if facts.evaluation is None:
        return []
    found = {k: facts.evaluation.metrics[k] for k in SHOWN if k in facts.evaluation.metrics}
    return [
        {"type": key, "name": metric.name, "value": round(metric.value, 4)}
        for key, metric in found.items()
        if isfinite(metric.value)
    ]
