"""What a run that is learning has written so far, for the pages that watch it."""
