"""Start: the finding, its picture, three doors, and what runs here."""

from app import services
from app.shell import frame
from app.views.start import doors, story

board = services.board()
frame.finding(story.finding(board), board)
story.introduce()
story.draw(board)
doors.doors()
doors.what_runs_here(board)
