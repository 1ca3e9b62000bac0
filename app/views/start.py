"""Start: three doors, and what runs here."""

from app import frame, services

board = services.board()
frame.finding(f"{len(board.pairs):,} pairs of {board.data.title} are on the table.")
