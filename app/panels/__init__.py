"""Parts of pages, one a file; a view draws them in order."""
