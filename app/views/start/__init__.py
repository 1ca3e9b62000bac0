"""Start: the finding, its picture, and three ways in."""
