"""`kdlab latency`: how fast a run's model answers on this machine, its teacher beside it."""

from dataclasses import asdict

from kdcore import lab
from kdcore.cli.kit.answer import show, table
from kdcore.cli.kit.options import Json, RunId
from kdcore.config import DistillConfig, InferConfig, PretrainConfig
from kdcore.errors import ConfigError
from kdcore.judging.retention import conditions
from kdcore.workspace import Workspace


def latency(run: RunId, as_json: Json = False) -> None:
    """Measure a finished run: one pair at a time and in batches, its teacher in turns with it.

    A run measures itself at its end; this does it again, or for a run from another machine.
    """
    from kdcore.judging.latency import latency_of
    from kdcore.training.devices import use_threads

    source = lab.store().get(run)
    config = source.config
    if isinstance(config, InferConfig):
        raise ConfigError(f"{source.id} holds predictions only; name the run whose model made them")
    if isinstance(config, PretrainConfig):
        raise source.no_grades
    with use_threads(config.threads):
        measured = latency_of(source, config, lab.split_of(source, "test"))
    measured.write(source, Workspace.default())
    rows = [
        {
            "model": role,
            "parameters": speed.parameters,
            "p50 ms": f"{speed.configured.p50_ms:.2f}",
            "p95 ms": f"{speed.configured.p95_ms:.2f}",
            "p50 ms, one thread": f"{speed.one_thread.p50_ms:.2f}",
            "pairs/s in batches": f"{speed.pairs_per_second:,.0f}",
        }
        for role, speed in (("student", measured.student), ("teacher", measured.teacher))
        if speed is not None
    ]
    notes = []
    if isinstance(config, DistillConfig) and measured.teacher is None:
        reasons = {"run": "is gone or cannot be read", "file": "holds scores and no model"}
        why = reasons.get(config.teaching.kind, "is not a single run")
        notes = [f"its teacher, {config.teaching.title}, {why}, and was not measured"]
    data = {"run": source.id, **asdict(measured), "notes": notes}
    speeds = table(rows, right=set(rows[0]) - {"model"})
    lines = [conditions(measured), *(f"Note: {note}." for note in notes)]
    show(as_json, data, speeds, *lines)
