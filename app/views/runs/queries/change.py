"""What takes a run of the visitor out of the list and back; refused in a public showing."""

from app.services import access
from app.services.access import refuse_public
from kdcore.errors import RunError
from kdcore.runs.store import Run, RunStore


def trash(run: Run) -> None:
    """Put a run of the visitor's workspace into its trash; RunError where that cannot be."""
    refuse_public()
    if run.folder.parent != access.home().runs:
        raise RunError("a run of the bundled demo stays")
    try:
        RunStore(access.home().runs).trash(run.id)
    except OSError as cause:
        raise RunError(f"{run.id} cannot be moved: {cause.strerror or cause}") from cause


def restore(run_id: str) -> Run:
    """Take a run out of the trash; RunError where that cannot be."""
    refuse_public()
    try:
        return RunStore(access.home().runs).restore(run_id)
    except OSError as cause:
        raise RunError(f"{run_id} cannot be taken back: {cause.strerror or cause}") from cause
