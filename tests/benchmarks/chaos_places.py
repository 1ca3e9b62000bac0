"""A small disk, and the processes of a workspace: what the chaos benchmark asks of the system."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A folder on a disk of 24 MB, or None where none can be mounted."""
    with tempfile.TemporaryDirectory() as name:
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", name]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=False)


def strangers(root: Path, known: set[int]) -> list[str]:
    """Processes of this workspace that nobody knows."""
    found = []
    for process in psutil.process_iter(["cmdline"]):  # a zombie has no command line
        told = " ".join(process.info["cmdline"] or ())
        if str(root) in told and "kdcore" in told and process.pid not in known:
            found.append(f"{process.pid} {told[-80:]}")
    return found


def wait(true: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.3)
    return True
