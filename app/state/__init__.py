"""Every choice of a visitor: a small dataclass per page, joined by name, and the link to it.

state.now().ranking.k             the valid value, whatever a link or a browser sent
state.change(ranking={"k": 5})    sets it, and the URL follows
state.open_link(query)            a link's parameters become the state; what cannot be read is named
"""

from app.state.base import (
    FIELDS,
    MARKS,
    PATHS,
    State,
    changed,
    nested,
    of_keys,
    query_of,
    state_of,
    value_of,
)
from app.state.common import TEMPERATURES
from app.state.session import (
    address,
    change,
    clean,
    correct,
    forget_ignored,
    ignore,
    ignored,
    is_history_run,
    is_new,
    link,
    now,
    open_link,
    requested_move,
    set_marks,
    simulated_bids,
    stand_on,
    take_link_marks,
    write_url,
)
