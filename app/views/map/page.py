"""Map: did the student keep the teacher's geometry?"""

from collections.abc import Callable

from app import services, state
from app.services import Board
from app.shell import lacking


def open_part() -> Callable[[Board], None]:
    """What draws the chosen points; the others are not even imported."""
    match state.now().map.what:
        case "texts":
            from app.views.map.texts import draw
        case "moments":
            from app.views.map.moments import draw
        case _:
            from app.views.map.pairs import draw
    return draw


board = services.board()
if board.ready:
    open_part()(board)
else:
    lacking.draw(board)
