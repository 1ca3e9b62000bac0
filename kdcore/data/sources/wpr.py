"""WPR: how well does a web page answer a query? Five grades (XGLUE, arXiv:2004.01401).

Title and snippet of the page stand in the columns title and description.
"""

from pathlib import Path

from kdcore.data.sources.rows import Reading
from kdcore.data.sources.xglue import Task, read_archive, read_folder
from kdcore.labels import FIVE_GRADES

WPR = Task("wpr", FIVE_GRADES, ("en", "de", "fr", "es", "it", "pt", "zh"))


def read_wpr(path: Path) -> Reading:
    """The WPR rows of a folder or of XGLUE's archive; problems are told, not raised."""
    return read_folder(path, WPR) if path.is_dir() else read_archive(path, WPR)
