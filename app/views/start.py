"""Start: the finding, its picture, three doors, and what runs here."""

from app import frame, services
from app.panels import start_doors, start_story

board = services.board()
frame.finding(start_story.finding(board), board)
start_story.introduce()
start_story.draw(board)
start_doors.doors()
start_doors.what_runs_here(board)
