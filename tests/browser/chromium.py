"""Find a Chromium, or get one: `python tests/browser/chromium.py`.

On the PATH, else Debian's package where it may be installed, else Playwright's own download, else
a sentence that says what is missing. In CI a missing browser is an error.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # a container's root has no user namespaces to make a sandbox of
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """The path of a Chromium, or None."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-*/chrome"))
    return str(own[-1]) if own else None


def install() -> None:
    """Try Debian's package, then Playwright's download; neither raises."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        for words in ("update -qq", "install -y -qq chromium"):
            subprocess.run(["apt-get", *words.split()], check=False, stdout=subprocess.DEVNULL)
    if find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> int:
    """0 when there is a Chromium in the end, or none is demanded."""
    if find() is None:
        install()
    if path := find():
        print(f"browser tests use {path}")
        return 0
    print(
        "No Chromium was found, and none could be installed: `apt-get install chromium` as root, "
        "or `python -m playwright install chromium`. The browser tests are left out.",
        file=sys.stderr,
    )
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    raise SystemExit(main())
