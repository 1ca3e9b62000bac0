"""What several commands share: the frame, answers, settings, progress."""
