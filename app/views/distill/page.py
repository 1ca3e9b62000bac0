"""Distill: what if? A student is configured, started, watched and judged."""

import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import md
from app.parts.lead_to import lead_to
from app.services import draft as distilling_draft
from app.state import keys
from app.views.distill import estimate, finding, preset, queue, start, trouble, watch
from app.views.distill.form import form, sweep, yaml_text
from app.views.distill.queries import new_teacher, runs
from app.views.distill.verdict import judge

MODES = {"form": "Form", "yaml": "YAML"}
if received := new_teacher.receive():
    st.toast(
        f"{md(received.shown_title)} is the teacher of the form now.", icon=":material/school:"
    )
run = runs.watched()
draft = distilling_draft.draft()
top = st.container()
queue.draw_bar(run)
if services.public():
    st.info(services.PUBLIC_REASON, icon=":material/lock:")
st.subheader("Your next run", anchor=False)
left, right = st.columns([2, 1], gap="large")
with left:
    preset.draw(draft, state.now().distill.train_twin)
    controls.choose("distill.mode", "Settings as", MODES)
    if state.now().distill.mode == "yaml":
        yaml_text.draw(draft)
    else:
        yaml_text.unfinished()
        form.draw(draft)
with right:
    estimate.draw(draft, state.now().distill.train_twin)
    start.draw(draft)
    sweep.draw(draft)
    queue.draw()
    runs.warm(draft.config)
if run is None:
    st.info("Nothing was trained here yet: press Start, and its curves appear here.")
else:
    with st.container(key="distill_watched"):
        bundled = "" if runs.is_own(run) else " (bundled with the lab)"
        st.divider()
        st.subheader(f"Run shown: {md(runs.name_of(run))}{bundled}", anchor=False)
        trouble.draw(run)
        if run.status().state == "finished":
            judge.draw(run.id)
        watch.draw(run.id)
    # the visitor who has just started a run is led here, once
    lead_to(".st-key-distill_watched", st.session_state.pop(keys.RUN_BEGUN, ""))
with top:  # it may count pairs, and nobody should wait for the form meanwhile
    finding.draw(run, draft)
