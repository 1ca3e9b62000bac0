"""One run: how it stands, its numbers, its settings and command, tags and note, and ways on."""

import time
from datetime import datetime

import streamlit as st
import yaml

from app import services, state
from app.kit import error_box
from app.kit.texts import duration, md, number, signed, verdict
from app.parts.metric_cards import Card, interval, metric_cards
from app.services.cautions import unequal_budgets
from app.services.live import recipe as live
from app.services.runs import listing, seeds
from app.services.runs.differences import kept_delta
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.views.runs import columns, trash
from app.views.runs.one import export, marks, metrics, tasks
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Difference
from kdcore.experiments.command_line import command_of
from kdcore.judging.drift import inputs_of
from kdcore.metrics.definitions import CATALOG
from kdcore.report.words import without_places
from kdcore.runs.listing import Row


def draw(view: RunsView) -> None:
    """The run of the state, else the chosen one or the best that is shown, else the first."""
    entry = _opened(view)
    if entry is None:
        st.info("There is no run to show.")
        return
    titles = {e.key: e.title for e in (view.shown or view.entries)} | {entry.key: entry.title}
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_one"):
        st.session_state["runs_open"] = entry.key
        st.selectbox(
            "Run",
            list(titles),
            format_func=lambda k: titles[k] if titles[k] == k else f"{titles[k]} ({k})",
            key="runs_open",
            on_change=lambda: state.change(runs={"opened": st.session_state["runs_open"]}),
            width=430,
        )
        with st.container(horizontal=True, key="runs_actions"):
            _watch(entry)
            _recipe(entry)
            _delete(entry)
    if entry.key not in {e.key for e in view.shown}:
        st.caption(":material/filter_alt: This run is not among the runs shown above.")
    st.caption("\n\n".join(filter(None, (_standing(entry), metrics.purpose(entry, view.entries)))))
    twin = seeds.own_twins(view, [entry]).get(entry.row.run.folder)
    if unequal := unequal_budgets(entry.row.run, twin.run if twin else None):
        st.markdown(f":orange-badge[:material/balance: read with care] {md(' '.join(unequal))}")
    metric_cards(_cards(view, entry, twin), "runs_cards", f"Numbers of {entry.title}")
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        metrics.draw(entry)
        tasks.draw(view, entry)
        _settings(view, entry)
    with right:
        marks.draw(entry)
        run = entry.row.run
        has_model = run.gives_grades and (run.model_folder / "kdlab.json").exists()
        if entry.row.state == "finished" and has_model:
            export.draw(entry.row.run)


def _opened(view: RunsView) -> Entry | None:
    key = state.now().runs.opened
    entry = next((e for e in view.entries if e.key == key), None)
    if key and entry is None:
        state.ignore(f"ropen: no run here is called {key[:60]!r}")
        state.correct(runs={"opened": ""})
    shown = {e.key for e in view.shown}
    first = [e for e in (*view.chosen, view.leader) if e is not None and e.key in shown]
    return entry or next(iter((*first, *view.shown, *view.entries)), None)


def _watch(entry: Entry) -> None:
    """The button that opens the run on the page Distill."""
    live = entry.row.state in ("queued", "running")
    help = "On the page Distill."
    if entry.key != entry.row.id:  # a link to Distill would open the bundled run
        help = "A bundled run has the same name, and Distill would show that one."
    elif not live and not (entry.row.run.replay_folder / "probe").is_dir():
        help = "It recorded no moments of its training."
    if st.button(
        "Watch it" if live else "Replay its training",
        icon=":material/play_circle:",
        disabled=help != "On the page Distill.",
        key="runs_replay",
        help=help,
    ):
        state.correct(distill={"run": entry.row.id})
        st.switch_page("views/distill/page.py")


def _recipe(entry: Entry) -> None:
    """The way to the recipe whose stage the run is."""
    key = live.link_of(entry.row.run.purpose.recipe, entry.mine)
    if key and st.button("To its recipe", icon=":material/conversion_path:", key="runs_recipe"):
        state.correct(recipe={"pipeline": key, "planning": "", "settings": ""})
        st.switch_page("views/recipe/page.py")


def _delete(entry: Entry) -> None:
    why = ""
    if services.public():
        why = services.PUBLIC_REASON
    elif not entry.mine:
        why = "A run of the bundled demo stays."
    elif entry.row.state == "running":
        why = "Stop it first, on the page Distill."
    if st.button(
        "Delete",
        icon=":material/delete:",
        disabled=bool(why),
        key="runs_delete",
        help=why or "Into the trash, where it can be taken back for a week.",
    ):
        with error_box.guard():
            trash.delete(entry.row.run)
            listing.pick([k for k in listing.picks() if k != entry.key])
            state.change(runs={"opened": "", "tab": "trash"})
            st.rerun()


def _standing(entry: Entry) -> str:
    row, status = entry.row, entry.row.status
    created = datetime.fromtimestamp(row.run.created).strftime("%Y-%m-%d %H:%M")
    parts = [f"**{md(status.state)}**", f"made {created}" if row.run.created else ""]
    if row.seconds:
        seconds = row.run.purpose.estimate.get("seconds")
        estimate = f", estimated {duration(seconds)}" if isinstance(seconds, (int, float)) else ""
        parts.append(f"took {duration(row.seconds)}{estimate}")
    elif status.started and status.state == "running":
        parts.append(f"runs for {duration(time.time() - status.started)}")
    if status.total_steps:
        parts.append(f"step {status.step:,} of {status.total_steps:,}")
    parts.append("" if entry.mine else "of the bundled demo")
    text = " · ".join(filter(None, parts))
    return f"{text}. {md(status.for_app)}" if status.message else text


def _cards(view: RunsView, entry: Entry, twin: Row | None) -> list[Card]:
    row, definition = entry.row, CATALOG[view.metric]
    measured, cards = row.test.metrics.get(view.metric), []
    if measured is not None:
        cards.append(
            Card(
                f"test {definition.name}",
                number(measured.value),
                definition.sentence,
                f"{measured.n:,} {measured.unit}",
                interval(measured.low, measured.high),
                role=entry.role,
            )
        )
    if twin is not None and (delta := (kept_delta(row, twin) or {}).get(view.metric)):
        cards.append(_against(view, entry, delta, "its twin", "its twin"))
    if (delta := view.delta(entry)) and view.base:
        cards.append(_against(view, entry, delta, f"★ {view.base.title}", view.base.title))
    for which, validation in (("best", row.best), ("last", row.last)):
        if validation is not None:
            step = "kept step" if which == "best" else "last look"
            cards.append(
                Card(
                    f"validation, {which}",
                    number(validation.roc_auc),
                    f"ROC-AUC on the validation pairs at the {step}; steps are chosen on them, so "
                    "this is slightly optimistic.",
                    f"step {validation.step:,} · NLL {number(validation.nll)}",
                )
            )
    return [*cards, *metrics.pretrained_cards(entry), *_costs(entry)]


def _against(view: RunsView, entry: Entry, delta: Difference, opponent: str, title: str) -> Card:
    """A difference to one opponent, named beside the verdict."""
    return Card(
        f"against {opponent}",
        signed(delta.delta),
        f"Test {CATALOG[view.metric].name} less that of {title}, paired; p = {delta.p:.4f} "
        f"of {delta.permutations:,} trades; the least difference that 80 % of such tests "
        f"find: {number(delta.smallest_detectable)}. {_why(delta)}",
        f"{delta.n:,} {delta.n_unit}",
        interval(delta.low, delta.high),
        verdict=verdict(delta.verdict, opponent),
        role=entry.role,
    )


def _why(delta: Difference) -> str:
    """What makes the verdict, and where the interval and p do not agree, that they do not."""
    rule = "A side is taken only where the interval leaves out 0 and p < 0.05; both must agree"
    out, small = delta.low > 0 or delta.high < 0, delta.p < 0.05
    if out == small:
        return f"{rule}."
    one = "the interval leaves out 0, if barely" if out else "p is below 0.05"
    other = f"p = {delta.p:.2g} is not below 0.05" if out else "the interval contains 0"
    return f"{rule}. Here {one}, but {other}: INCONCLUSIVE."


def _costs(entry: Entry) -> list[Card]:
    row, cards = entry.row, []
    if row.size is not None:
        help = "Numbers in the saved model, and the size of its weights at float32 in 10^6 bytes."
        cards.append(Card("size", f"{row.size.parameters:,}", help, row.size.in_words))
    if (p50 := columns.p50(entry)) is not None:
        p95 = columns.p50(entry, "p95_ms")
        help = f"Median of single pairs after warm-up, one CPU thread. {conditions(entry)}"
        cards.append(Card("p50", f"{p50:.2f} ms", help, f"p95 {p95 or 0:.2f} ms"))
    return cards


def conditions(entry: Entry) -> str:
    """What a latency was measured on."""
    latency = entry.row.latency
    machine = latency.get("machine") or latency.get("device") or "an unnamed machine"
    return f"From token ids to logits, batch 1, on {machine}, pairs of {latency.get('drawn_from')}."


def _settings(view: RunsView, entry: Entry) -> None:
    run = entry.row.run
    text = yaml.safe_dump(without_places(run.settings), sort_keys=False, allow_unicode=True)
    with st.expander(f"All {len(entry.row.settings)} settings as YAML"):
        st.code(text, language="yaml", wrap_lines=True)
    try:
        command = command_of(run.config)
    except LabError as cause:
        st.caption(f"No command makes it: {md(str(cause))}")
    else:
        st.markdown("**Command line**")
        st.code(command, language="bash", wrap_lines=True)
    inputs = "no test numbers yet"
    if entry.row.test.metrics:
        inputs = inputs_of(entry.row, view.metric).short()
    other = ("pairs", "data", "seed", "notes", "teacher_files")
    versions = ", ".join(f"{k} {v}" for k, v in run.provenance.items() if k not in other)
    taught_by = (
        f"Scores of {file['name']}, sha256 {file['sha256'][:16]}"
        for file in run.provenance.get("teacher_files", ())
    )
    lines = [f"Behind its numbers: {inputs}. {versions}", *taught_by, *run.notes]
    st.caption("\n".join(f"- {md(line)}" for line in lines))
