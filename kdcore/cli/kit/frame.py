"""The frame around every command: the answer on stdout, all else on stderr, and the exit code."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

import typer

from kdcore.cli.kit.answer import plain
from kdcore.errors import ConfigError, LabError
from kdcore.runs.record import is_full_disk

EXIT_CODES = {
    0: "done",
    1: "an unexpected error",
    2: "a wrong setting or an unknown name",
    3: "data that cannot be used",
    4: "a run that could not go on",
    130: "stopped by Ctrl-C",
    141: "the reading program closed the pipe",
}

_MEMORY = (
    "the memory is full: this needs more than the machine has free; give it less at once "
    "(fewer pairs with --limit, a smaller file or model), or close other programs"
)

# click's ClickException, or the copy of click that newer typers bring along
CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]


@dataclass(frozen=True)
class Failure:
    """What a person reads when a command did not work."""

    exit_code: int
    sentence: str
    problems: tuple[str, ...] = ()


def carry_out(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an error becomes a plain sentence on stderr."""
    _mend_streams()
    words = list(arguments) or ["--help"]
    options = words[: words.index("--")] if "--" in words else words
    try:
        try:
            _refuse_undecodable(words)
            command = typer.main.get_command(app)
            with command.make_context("kdlab", list(words)) as context:
                command.invoke(context)
        except typer.Exit as end:
            sys.stdout.flush()
            return end.exit_code
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, OSError):
            _let_go(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return 141
        if "--traceback" in options or os.environ.get("KDLAB_TRACEBACK") == "1":
            traceback.print_exception(error)
        failure = explain(error)
        _print(failure, "--json" in options)
        return failure.exit_code
    return 0


def _refuse_undecodable(words: Sequence[str]) -> None:
    """ConfigError for arguments whose bytes are no text in UTF-8, which all files here are in."""
    problems = []
    for place, word in enumerate(words, 1):
        try:
            word.encode("utf-8")
        except UnicodeEncodeError:
            shown = word.encode("utf-8", "backslashreplace").decode()
            problems.append(
                f"word {place}, {shown[:60]!r}, is not valid UTF-8: set the terminal to UTF-8, or "
                "give the file a name in it"
            )
    if problems:
        raise ConfigError("This command cannot be read:", problems)


def explain(error: BaseException) -> Failure:
    """The exit code and the plain sentence for an error."""
    name, message = type(error).__name__, " ".join(str(error).split())[:300]
    if isinstance(error, LabError):
        headline = getattr(error, "headline", str(error))
        return Failure(error.exit_code, headline, getattr(error, "problems", ()))
    if isinstance(error, CommandLineError):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "kdlab"
        usage = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
        return Failure(2, f"{usage}; `{path} --help` shows the options")
    if isinstance(error, KeyboardInterrupt):
        return Failure(130, str(error) or "stopped by Ctrl-C")
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return Failure(4, _MEMORY)
    if is_full_disk(error):
        return Failure(
            4, "the disk is full: free some space and try again; what was complete is saved"
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(1, f"{where}{error.strerror.lower()}")
    return Failure(
        1,
        f"an unexpected error ({f'{name}: {message}' if message else name}); "
        "KDLAB_TRACEBACK=1 shows where it came from",
    )


def _print(failure: Failure, as_json: bool) -> None:
    """Write a failure to stderr, as sentences or as one JSON document."""
    text = "\n".join([failure.sentence, *(f"- {problem}" for problem in failure.problems)])
    if as_json:
        data = {"error": failure.sentence, "problems": failure.problems}
        text = json.dumps(plain(data | {"exit_code": failure.exit_code}))
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:  # stderr is closed; the exit code still tells the failure
        _let_go(sys.stderr)


def _mend_streams() -> None:
    """Replace a stream that the shell closed; spell out the letters that a terminal cannot show."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _let_go(stream: TextIO) -> None:
    """Point a broken stream at nothing, or Python would complain once more at its exit."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
