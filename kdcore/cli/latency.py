"""`kdlab latency`: how fast a run's model answers on this machine, its teacher beside it."""

from dataclasses import asdict

from kdcore import lab
from kdcore.cli.kit.answer import show, table
from kdcore.cli.kit.options import Json, RunId
from kdcore.config import DistillConfig, InferConfig
from kdcore.errors import ConfigError
from kdcore.workspace import Workspace


def latency(run: RunId, as_json: Json = False) -> None:
    """Measure a finished run: one pair at a time and in batches, its teacher in turns with it.

    A run measures itself at its end; this does it again, or for a run from another machine.
    """
    from kdcore.judging.latency import latency_of
    from kdcore.judging.retention import conditions
    from kdcore.training.devices import use_threads

    home = Workspace.default()
    found = lab.store().get(run)
    config = found.config
    if isinstance(config, InferConfig):
        raise ConfigError(f"{found.id} holds predictions only; name the run whose model made them")
    with use_threads(config.threads):
        measured = latency_of(found, config, lab.split_of(found, "test"))
    measured.keep(found, home)
    speeds = {"student": measured.student, "teacher": measured.teacher}
    rows = [
        {
            "model": who,
            "parameters": speed.parameters,
            "p50 ms": f"{speed.configured.p50_ms:.2f}",
            "p95 ms": f"{speed.configured.p95_ms:.2f}",
            "p50 ms, one thread": f"{speed.one_thread.p50_ms:.2f}",
            "pairs/s in batches": f"{speed.pairs_per_second:,.0f}",
        }
        for who, speed in speeds.items()
        if speed is not None
    ]
    told = table(rows, right=set(rows[0]) - {"model"}), conditions(measured)
    notes = []
    if isinstance(config, DistillConfig) and measured.teacher is None:
        notes = [f"its teacher, {config.teacher}, is gone or cannot be read, and was not measured"]
    data = {"run": found.id, **asdict(measured), "notes": notes}
    show(as_json, data, *told, *(f"Note: {note}." for note in notes))
