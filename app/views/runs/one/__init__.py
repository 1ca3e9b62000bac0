"""One run: how it stands, its numbers, its settings and command, tags and note, and ways on."""

import time
from datetime import datetime

import streamlit as st
import yaml

from app import services, state
from app.kit.texts import duration, md, number, signed, verdict
from app.parts.metric_cards import Card, interval, metric_cards
from app.services.cautions import unequal_budgets
from app.services.runs import listing, seeds
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.measured import kept_delta
from app.views.runs import columns
from app.views.runs.one import keep, marks, metrics
from app.views.runs.queries import change
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Difference
from kdcore.experiments.command_line import command_of
from kdcore.judging.drift import inputs_of
from kdcore.metrics.definitions import CATALOG
from kdcore.report.words import without_places
from kdcore.runs.listing import Validation


def draw(view: RunsView) -> None:
    """The run of the state, else the chosen one, else the first that is shown."""
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
            on_change=_open,
            width=430,
        )
        _actions(entry)
    st.caption("\n\n".join(filter(None, (_standing(entry), metrics.purpose(entry)))))
    twin = seeds.own_twins(view, [entry]).get(entry.row.run.folder)
    if unequal := unequal_budgets(entry.row.run, twin.run if twin else None):
        st.markdown(f":orange-badge[:material/balance: unequal budgets] {md(' '.join(unequal))}")
    metric_cards(_cards(view, entry), "runs_cards", f"Numbers of {entry.title}")
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        metrics.draw(entry)
        _settings(view, entry)
    with right:
        marks.draw(entry)
        _keep(entry)


def _opened(view: RunsView) -> Entry | None:
    key = state.now().runs.opened
    entry = next((e for e in view.entries if e.key == key), None)
    if key and entry is None:
        state.ignore(f"ropen: no run here is called {key[:60]!r}")
        state.correct(runs={"opened": ""})
    candidates = (*view.chosen, view.leader, *view.shown, *view.entries)
    return entry or next((e for e in candidates if e is not None), None)


def _open() -> None:
    state.change(runs={"opened": st.session_state["runs_open"]})


def _actions(entry: Entry) -> None:
    with st.container(horizontal=True, key="runs_actions"):
        live = entry.row.state in ("queued", "running")
        label = "Watch it" if live else "Replay its training"
        hidden = entry.key != entry.row.id  # a link to Distill would open the bundled run
        can = not hidden and (live or (entry.row.run.replay_folder / "probe").is_dir())
        if st.button(
            label,
            icon=":material/play_circle:",
            disabled=not can,
            key="runs_replay",
            help="On the page Distill."
            if can
            else "A bundled run has the same name, and Distill would show that one."
            if hidden
            else "It recorded no moments of its training.",
        ):
            state.correct(distill={"run": entry.row.id})
            st.switch_page("views/distill/page.py")
        why = _may_delete(entry)
        if st.button(
            "Delete",
            icon=":material/delete:",
            disabled=bool(why),
            key="runs_delete",
            help=why or "Into the trash, where it can be taken back for a week.",
        ):
            _delete(entry)


def _may_delete(entry: Entry) -> str:
    if services.public():
        return services.PUBLIC_REASON
    if not entry.mine:
        return "A run of the bundled demo stays."
    return "Stop it first, on the page Distill." if entry.row.state == "running" else ""


def _delete(entry: Entry) -> None:
    try:
        change.trash(entry.row.run)
    except LabError as cause:
        st.error(md(str(cause)))
        return
    listing.pick([k for k in listing.picks() if k != entry.key])
    state.change(runs={"opened": "", "tab": "trash"})
    st.rerun()


def _standing(entry: Entry) -> str:
    row, status = entry.row, entry.row.status
    created = datetime.fromtimestamp(row.run.created).strftime("%Y-%m-%d %H:%M")
    parts = [f"**{md(status.state)}**", f"made {created}" if row.run.created else ""]
    if row.seconds:
        foreseen = row.about.estimate.get("seconds")
        estimate = f", estimated {duration(foreseen)}" if isinstance(foreseen, (int, float)) else ""
        parts.append(f"took {duration(row.seconds)}{estimate}")
    elif status.started and status.state == "running":
        parts.append(f"runs for {duration(time.time() - status.started)}")
    if status.total_steps:
        parts.append(f"step {status.step:,} of {status.total_steps:,}")
    parts.append("" if entry.mine else "of the bundled demo")
    text = " · ".join(p for p in parts if p)
    return f"{text}. {md(status.on_page)}" if status.message else text


def _cards(view: RunsView, entry: Entry) -> list[Card]:
    row, definition = entry.row, CATALOG[view.metric]
    held, cards = row.test.metrics.get(view.metric), []
    if held is not None:
        cards.append(
            Card(
                f"test {definition.name}",
                number(held.value),
                definition.sentence,
                f"{held.n:,} {held.unit}",
                interval(held.low, held.high),
                role=entry.role,
            )
        )
    twin = seeds.own_twins(view, [entry]).get(row.run.folder)
    if twin is not None and (beside := (kept_delta(row, twin) or {}).get(view.metric)):
        cards.append(_against(view, entry, beside, "its twin", "its twin"))
    if (delta := view.delta(entry)) and view.base:
        cards.append(_against(view, entry, delta, f"★ {view.base.title}", view.base.title))
    cards += [c for v in ("best", "last") if (c := _validation(v, getattr(row, v))) is not None]
    return [*cards, *_costs(entry)]


def _against(view: RunsView, entry: Entry, delta: Difference, opponent: str, named: str) -> Card:
    """A difference to one opponent, named beside the verdict."""
    return Card(
        f"against {opponent}",
        signed(delta.delta),
        f"Test {CATALOG[view.metric].name} less that of {named}, paired; p = {delta.p:.4f} "
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
    alone = "the interval leaves out 0, if barely" if out else "p is below 0.05"
    other = f"p = {delta.p:.2g} is not below 0.05" if out else "the interval contains 0"
    return f"{rule}. Here {alone}, but {other}: INCONCLUSIVE."


def _validation(which: str, validation: Validation | None) -> Card | None:
    if validation is None:
        return None
    step = "kept step" if which == "best" else "last look"
    return Card(
        f"validation, {which}",
        number(validation.roc_auc),
        f"ROC-AUC on the validation pairs at the {step}; steps are chosen on them, so this is "
        "slightly optimistic.",
        f"step {validation.step:,} · NLL {number(validation.nll)}",
    )


def _costs(entry: Entry) -> list[Card]:
    row, cards = entry.row, []
    if row.size is not None:
        help_text = (
            "Numbers in the saved model, and the size of its weights at float32 in 10^6 bytes."
        )
        cards.append(Card("size", f"{row.size.parameters:,}", help_text, row.size.in_words))
    if (p50 := columns.p50(entry)) is not None:
        p95 = columns.p50(entry, "p95_ms")
        help_latency = f"Median of single pairs after warm-up, one CPU thread. {conditions(entry)}"
        cards.append(Card("p50", f"{p50:.2f} ms", help_latency, f"p95 {p95 or 0:.2f} ms"))
    return cards


def conditions(entry: Entry) -> str:
    """What a latency was measured on."""
    latency = entry.row.latency
    machine = latency.get("machine") or latency.get("device") or "an unnamed machine"
    return f"From token ids to logits, batch 1, on {machine}, pairs of {latency.get('drawn_from')}."


def _settings(view: RunsView, entry: Entry) -> None:
    settings = without_places(entry.row.run.settings)
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    with st.expander(f"All {len(entry.row.settings)} settings as YAML"):
        st.code(text, language="yaml", wrap_lines=True)
    _command(entry)
    inputs = inputs_of(entry.row, view.metric)
    versions = ", ".join(
        f"{k} {v}"
        for k, v in entry.row.run.provenance.items()
        if k not in ("pairs", "data", "seed")
    )
    st.caption(f"Behind its numbers: {md(inputs.short())}. {md(versions)}")


def _command(entry: Entry) -> None:
    try:
        command = command_of(entry.row.run.config)
    except LabError as cause:
        st.caption(f"No command makes it: {md(str(cause))}")
        return
    st.markdown("**Command line**")
    st.code(command, language="bash", wrap_lines=True)


def _keep(entry: Entry) -> None:
    if entry.row.state != "finished" or not (entry.row.run.model_folder / "kdlab.json").exists():
        return
    row = entry.row  # by its id an own run could be taken for a bundled one of the same name
    keep.draw(row.id if entry.key == row.id else str(row.run.folder))
