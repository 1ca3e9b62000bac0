"""`kdlab masked`: language models that fill gaps, and DistilBERT's way to make a small one."""

import typer

from kdcore.cli.masked.making import distill, resume, store, sweep, teacher
from kdcore.cli.masked.measure import measure
from kdcore.cli.masked.models import delete, list_models, restore, show_model, stop

app = typer.Typer(help="Train and distill language models that fill gaps (BERT, DistilBERT).")
for command in (teacher, distill, store, resume, stop):
    app.command()(command)
app.command("list")(list_models)
app.command("show")(show_model)
for command in (delete, restore, sweep, measure):
    app.command()(command)
