"""The ``maskgan`` program: finds the command, runs it, and turns every failure into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from maskgan import __version__
from maskgan.cli.help_format import HelpFormatter
from maskgan.cli.lines import escaped, keep_undecodable_names
from maskgan.errors import MaskGANError

_COMMANDS = (
    "serve",
    "edit",
    "edits",
    "bulk",
    "style-copy",
    "faces",
    "frame",
    "parse",
    "demo",
    "labels",
    "prepare",
    "make-synthetic",
    "train",
    "runs",
    "sample-masks",
    "interpolate",
    "simulate-edits",
    "find-accessory-styles",
    "find-directions",
    "evaluate",
    "import-reference",
    "import-yunet",
    "weights",
    "export-onnx",
    "export-web",
)


click.Context.formatter_class = HelpFormatter  # of every command: a context does not pass its own on


class _LazyGroup(click.Group):
    """Imports a command's module when it is asked for; the modules import torch only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"maskgan.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="maskgan")
def cli() -> None:
    """Edit a face by editing its semantic mask."""


class _LineHandler(logging.Handler):
    """Log records as plain lines on stderr; warnings are marked as such."""

    def emit(self, record: logging.LogRecord) -> None:
        mark = "" if record.levelno < logging.WARNING else f"maskgan: {record.levelname.lower()}: "
        _print_to_stderr(f"{mark}{escaped(record.getMessage())}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 our failure, 2 bad input, 130 interrupted."""
    logger = logging.getLogger("maskgan")
    logger.handlers = [_LineHandler()]
    logger.setLevel(logging.INFO)
    keep_undecodable_names(sys.stdout)
    try:
        result = cli.main(args=arguments, prog_name="maskgan", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.ctx.get_help() if error.ctx else error.format_message())
        return 2
    except click.ClickException as error:
        hint = f" (see '{error.ctx.command_path} --help')" if isinstance(error, click.UsageError) and error.ctx else ""
        return _fail(error.format_message() + hint, error.exit_code)
    except MaskGANError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader went away, as with `| head`; keep the interpreter from complaining again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _fail("out of memory; use a smaller image or batch", 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        code = 2 if error.errno == errno.ENAMETOOLONG else 1
        return _fail(f"{place}{(error.strerror or str(error)).lower()}", code)
    except Exception as error:
        if os.environ.get("MASKGAN_DEBUG"):
            traceback.print_exc()
        reason = (str(error).splitlines() or [""])[0]
        return _fail(
            f"internal error: {type(error).__name__}: {reason}; MASKGAN_DEBUG=1 shows where, please report it",
            1,
        )
    return result if isinstance(result, int) else 0


_MAX_LINE = 2000


def _fail(message: str, exit_code: int) -> int:
    _print_to_stderr(f"maskgan: error: {_one_line(message)}")
    return exit_code


def _print_to_stderr(line: str) -> None:
    # A log that is full or closed must not end the work, nor a request of the editor's server.
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def _one_line(message: str) -> str:
    """The message on one line, without control characters, which a file's name or content may bring in.

    At most 2,000 characters of it: an argument may be far longer.
    """
    line = " ".join(message.split())
    if len(line) > _MAX_LINE:
        line = f"{line[: _MAX_LINE // 2]} ... {line[-_MAX_LINE // 2 :]}"
    return escaped(line)


def entry_point() -> None:
    """The installed ``maskgan`` script."""
    sys.exit(main())
