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
    """What a person is told when a command did not work out."""

    exit_code: int
    sentence: str
    problems: tuple[str, ...] = ()


def carry_out(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run one command; whatever happens becomes a plain sentence on stderr and an exit code."""
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
        _tell(failure, "--json" in options)
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
    if isinstance(error, LabError):
        headline = getattr(error, "headline", str(error))
        return Failure(error.exit_code, headline, getattr(error, "problems", ()))
    if isinstance(error, CommandLineError):
        return Failure(2, _usage(error))
    if isinstance(error, KeyboardInterrupt):
        return Failure(130, str(error) or "stopped by Ctrl-C")
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failure(4, _MEMORY)
    return _of_the_system(error)


def _of_the_system(error: BaseException) -> Failure:
    from kdcore.runs.record import is_full_disk

    if is_full_disk(error):
        return Failure(
            4, "the disk is full: free some space and try again; what was complete is saved"
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(1, f"{where}{error.strerror.lower()}")
    said = " ".join(str(error).split())[:300]
    name = type(error).__name__
    return Failure(
        1,
        f"an unexpected error ({f'{name}: {said}' if said else name}); "
        "KDLAB_TRACEBACK=1 shows where it came from",
    )


def _usage(error: Exception) -> str:
    said = str(error.format_message())  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "kdlab"
    return f"{said.rstrip('.')}; `{path} --help` shows the options"


def _tell(failure: Failure, as_json: bool) -> None:
    if as_json:
        told = {
            "error": failure.sentence,
            "problems": failure.problems,
            "exit_code": failure.exit_code,
        }
        text = json.dumps(plain(told))
    else:
        text = "\n".join([failure.sentence, *(f"- {problem}" for problem in failure.problems)])
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:  # nobody listens; the exit code still says it
        _let_go(sys.stderr)


def _mend_streams() -> None:
    """A stream that the shell closed swallows; a letter it cannot show is spelled out."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _let_go(stream: TextIO) -> None:
    """Point a broken stream at nothing, or Python complains once more at its exit."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
