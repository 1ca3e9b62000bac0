"""The one door of the app to files, runs and models, and the one place that caches."""

from app.services.access import PUBLIC_REASON, demo, home, public
from app.services.answers import Answers, Source, sources, sources_on
from app.services.boards import (
    DEMO_DATA,
    Board,
    DataChoice,
    board,
    chosen_data,
    data_choices,
    pairs_of,
    rival_of,
    whole_data,
)
from app.services.evaluations import (
    comparison,
    comparison_of_rows,
    evaluation,
    evaluation_of_rows,
    gap,
)
from app.services.links import fetch as fetch_link
from app.services.links import keep as keep_link
from app.services.missing import HINT as MISSING_HINT
from app.services.missing import TWIN_HINT, left_out, missing
from app.services.models import (
    Attention,
    Replay,
    Scored,
    attention,
    internal_loss,
    model_run,
    replay,
    score,
)
from app.services.probe import teacher_on_probe
from app.services.roles import in_order
from app.services.story import Rung, Story, story
