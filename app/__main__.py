"""`python -m app`: the lab in the browser, on this machine only unless told otherwise."""

import argparse
import errno
import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path


def options(argv: list[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--port", type=int, default=8501, help="the port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="the address; the default is loopback")
    parser.add_argument(
        "--name", action="append", default=[], help="a host name that visitors may use"
    )
    parser.add_argument(
        "--public", action="store_true", help="visitors look at everything and start nothing"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args(argv)


def is_free(host: str, port: int) -> bool:
    """Whether no program listens on this port of this address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as cause:
            return cause.errno != errno.EADDRINUSE
    return True


def _busy(host: str, port: int) -> str:
    """What is wrong with a port in use, with the next one that is free."""
    free = next((p for p in range(port + 1, min(port + 100, 65536)) if is_free(host, p)), None)
    cure = f"start the lab with --port {free}" if free else "choose another with --port"
    return f"Port {port} is used by another program, perhaps by another lab: {cure}."


def main() -> None:
    """Serve the app with the security headers; stays until it is stopped."""
    chosen = options()
    if chosen.public:
        os.environ["KDLAB_PUBLIC"] = "1"
    if not is_free(chosen.host, chosen.port):
        raise SystemExit(_busy(chosen.host, chosen.port))
    url = f"http://localhost:{chosen.port}"
    sys.stderr.write(f"KD Lab: {url}  (Ctrl-C stops it)\n")
    if not chosen.no_browser:
        threading.Timer(1.5, webbrowser.open, [url]).start()
    sys.argv = [
        str(Path(__file__).with_name("main.py"))
    ]  # Streamlit looks for its configuration beside the script
    from app.serve import lab

    lab().run(
        config={
            "server.port": chosen.port,
            "server.address": chosen.host,
            "server.allowedHosts": ["localhost", "127.0.0.1", *chosen.name],
        }
    )


if __name__ == "__main__":
    main()
