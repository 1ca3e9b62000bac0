"""WPR: how well does a web page answer a query? Five grades (XGLUE, arXiv:2004.01401).

Title and snippet of the page stand in the columns title and description.
"""

from kdcore.data.sources.xglue import Task
from kdcore.labels import FIVE_GRADES

WPR = Task("wpr", FIVE_GRADES, ("en", "de", "fr", "es", "it", "pt", "zh"))
