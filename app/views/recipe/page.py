"""Recipe: from a log of queries and ads to a student, as stages that run one after the other."""

import streamlit as st

from app import services
from app.shell import frame
from app.state import keys
from app.views.recipe import form, outcome, picture, queries, stage

shown = queries.shown()
if run := st.session_state.pop(keys.RECIPE_OPEN, ""):
    picture.go_to_run(run, shown)
    st.switch_page("views/runs/page.py")
top = st.container()
if services.public():
    st.info(services.PUBLIC_REASON, icon=":material/lock:")
form.others(shown)
if shown is None:
    planned = queries.planned()
    with top:
        frame.finding(form.sentence(planned))
    form.draw(planned)
    form.start(planned)
    if planned.shape is not None:
        picture.plan(planned.shape)
        form.estimates(planned)
        stage.draw(planned.shape)
else:
    with top:
        frame.finding(f"{picture.sentence(shown)} {outcome.sentence(shown.results)}".strip())
    picture.pipeline(shown)
    outcome.draw(shown)
    stage.draw(shown.plan, shown)
