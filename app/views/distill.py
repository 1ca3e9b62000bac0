"""Distill: what if? A student is configured, started, watched and judged."""

import streamlit as st

from app import controls, services, state
from app.panels import (
    distill_bar,
    distill_estimate,
    distill_finding,
    distill_form,
    distill_judge,
    distill_preset,
    distill_queue,
    distill_start,
    distill_sweep,
    distill_watch,
    distill_watched,
    distill_yaml,
)
from app.services import distilling, distilling_draft

MODES = {"form": "Form", "yaml": "YAML"}
run = distilling.watched()
draft = distilling_draft.draft()
top = st.container()
distill_bar.draw(run)
if services.public():
    st.info(services.PUBLIC_REASON, icon=":material/lock:")
st.subheader("Your next run", anchor=False)
left, right = st.columns([2, 1], gap="large")
with left:
    distill_preset.draw(draft)
    controls.choose("dmode", "Settings as", MODES)
    if state.now().dmode == "yaml":
        distill_yaml.draw(draft)
    else:
        distill_yaml.unfinished()
        distill_form.draw(draft)
with right:
    distill_estimate.draw(draft, state.now().alone)
    distill_start.draw(draft)
    distill_sweep.draw(draft)
    distill_queue.draw()
    distilling.warm(draft.config)
distill_watched.draw(run, distill_watch, distill_judge)
with top:  # it may count pairs, and nobody should wait for the form meanwhile
    distill_finding.draw(run, draft, distill_judge.finding)
