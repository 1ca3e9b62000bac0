"""QADSM: is this ad relevant to this query? Good or Bad (XGLUE, arXiv:2004.01401)."""

from kdcore.data.sources.xglue import Task
from kdcore.labels import BINARY

QADSM = Task("qadsm", BINARY, ("en", "de", "fr"))
