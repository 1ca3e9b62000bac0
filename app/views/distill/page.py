"""Distill: what if? A student is configured, started, watched and judged."""

import streamlit as st

from app import services, state
from app.kit import controls
from app.services import draft as distilling_draft
from app.views.distill import bar, estimate, finding, preset, queue, start, watched
from app.views.distill.form import form, sweep, yaml_text
from app.views.distill.queries import runs
from app.views.distill.verdict import judge

MODES = {"form": "Form", "yaml": "YAML"}
run = runs.watched()
draft = distilling_draft.draft()
top = st.container()
bar.draw(run)
if services.public():
    st.info(services.PUBLIC_REASON, icon=":material/lock:")
st.subheader("Your next run", anchor=False)
left, right = st.columns([2, 1], gap="large")
with left:
    preset.draw(draft)
    controls.choose("distill.mode", "Settings as", MODES)
    if state.now().distill.mode == "yaml":
        yaml_text.draw(draft)
    else:
        yaml_text.unfinished()
        form.draw(draft)
with right:
    estimate.draw(draft, state.now().distill.train_twin)
    start.draw(draft)
    start.draw_command(draft)
    sweep.draw(draft)
    queue.draw()
    runs.warm(draft.config)
watched.draw(run)
with top:  # it may count pairs, and nobody should wait for the form meanwhile
    finding.draw(run, draft, judge.finding)
