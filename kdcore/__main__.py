"""The command line: `kdlab`, or `python -m kdcore`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from kdcore.cli import (
    bring,
    catalog,
    data,
    demo,
    evaluate,
    export,
    judge,
    latency,
    masked,
    ready,
    recipe,
    retrieval,
    runs,
    stages,
    sweep,
    tutorial,
)
from kdcore.cli.kit import running
from kdcore.cli.kit.frame import EXIT_CODES, carry_out

EPILOG = (
    "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."
)

_HIDDEN: Mapping[str, Callable[..., Any]] = {  # those that the lab starts itself
    "run": running.run,
    "measure": running.time_models,
    "measure-runs": running.measure_runs,
    "draw-maps": running.draw_maps,
    "measure-retrieval": running.measure_retrieval,
    "dispatch": ready.dispatch,
    "ready": ready.ready,
    "machines": ready.machines,
    "carry": ready.carry,
    "work": running.work,
}


def build_app() -> typer.Typer:
    """The commands in the order in which a newcomer needs them."""
    app = typer.Typer(
        name="kdlab",
        help="Distill knowledge for search relevance: from query-ad pairs to a small, fast model.",
        epilog=EPILOG,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    app.command("tutorial")(tutorial.tutorial)
    app.command("pretrain")(stages.pretrain)
    app.command("finetune")(stages.finetune)
    app.command("multitask")(stages.multitask)
    app.command("infer")(stages.infer)
    app.command("teach")(stages.teach)
    app.command("distill")(stages.distill)
    app.command("sweep")(sweep.sweep)
    app.command("evaluate")(evaluate.evaluate)
    app.command("bring")(bring.bring)
    app.command("judge")(judge.judge)
    app.command("predict")(stages.predict)
    app.command("index")(retrieval.index)
    app.command("search")(retrieval.search)
    app.command("latency")(latency.latency)
    app.command("export")(export.export)
    app.add_typer(recipe.app, name="recipe")
    app.add_typer(runs.app, name="runs")
    app.add_typer(data.app, name="data")
    app.add_typer(masked.app, name="masked")
    app.add_typer(demo.app, name="demo")
    app.command("methods")(catalog.methods)
    app.command("students")(catalog.students)
    for name, command in _HIDDEN.items():
        app.command(name, hidden=True)(command)
    return app


def _root(
    traceback: bool = typer.Option(
        False, "--traceback", help="Show where an error came from; so does KDLAB_TRACEBACK=1."
    ),
) -> None:
    """Distill knowledge for search relevance: from query-ad pairs to a small, fast model.

    Start with: kdlab tutorial --limit 4000
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry one command out and return its exit code."""
    return carry_out(build_app(), sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
