"""Constants of the standard library, and what depends on the machine."""

import math
import posixpath
import string
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import HERE, MISSING, Arguments, External, Unknown, Value
from keynet.text import _, fill

__all__ = ["PARAMETER_KINDS", "constant", "machine_dependent", "machine_handlers"]

PARAMETER_KINDS: Final = (
    "POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD",
)  # fmt: skip
_CONSTANTS: Final[Mapping[str, Value]] = {
    "logging.CRITICAL": 50,
    "logging.DEBUG": 10,
    "logging.ERROR": 40,
    "logging.FATAL": 50,
    "logging.INFO": 20,
    "logging.NOTSET": 0,
    "logging.WARN": 30,
    "logging.WARNING": 30,
    **{f"math.{name}": getattr(math, name) for name in ("e", "inf", "nan", "pi", "tau")},
    **{f"numpy.{name}": getattr(math, name) for name in ("e", "inf", "nan", "pi")},
    **{f"string.{name}": getattr(string, name) for name in
       ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "punctuation")},
    "sys.maxsize": sys.maxsize,
    # The script will run in a Linux image, wherever it is read.
    "os.name": "posix",
    "sys.platform": "linux",
    "sys.byteorder": "little",
    "sys.version_info.major": 3,
    "os.sep": "/",
    "os.path.sep": "/",
    "os.pathsep": ":",
    "os.linesep": "\n",
    "os.curdir": ".",
    "os.devnull": "/dev/null",
    "typing.TYPE_CHECKING": False,
    **dict.fromkeys(
        ("inspect.Parameter.empty", "inspect.Signature.empty"), External("inspect._empty")
    ),
    **{f"inspect.Parameter.{name}": number for number, name in enumerate(PARAMETER_KINDS)},
    "types.NoneType": External("builtins.NoneType"),
    "signal.SIGINT": 2,
    "signal.SIGKILL": 9,
    "signal.SIGTERM": 15,
    "ssl.CERT_NONE": 0,
    "ssl.CERT_OPTIONAL": 1,
    "ssl.CERT_REQUIRED": 2,
    "ssl.PROTOCOL_TLS": 2,
    "ssl.PROTOCOL_TLS_CLIENT": 16,
    "ssl.PROTOCOL_TLS_SERVER": 17,
    "argparse.SUPPRESS": "==SUPPRESS==",
    "argparse.OPTIONAL": "?",
    "argparse.ZERO_OR_MORE": "*",
    "argparse.ONE_OR_MORE": "+",
    "argparse.REMAINDER": "...",
    "argparse.PARSER": "A...",
}  # fmt: skip


# Functions whose result depends on the machine, with its type.
_MACHINE: Final[Mapping[str, str]] = {
    "os.cpu_count": "int",
    "os.getcwd": "str",
    "os.getpid": "int",
    "os.getuid": "int",
    "os.getlogin": "str",
    "os.getenv": "str",
    "os.environ.get": "str",
    "os.environ.setdefault": "str",
    "os.path.abspath": "str",
    "os.path.expanduser": "str",
    "os.path.expandvars": "str",
    "os.path.isdir": "bool",
    "os.path.realpath": "str",
    "os.path.relpath": "str",
    "os.urandom": "bytes",
    "multiprocessing.cpu_count": "int",
    "platform.node": "str",
    "socket.gethostname": "str",
    "getpass.getuser": "str",
    "getpass.getpass": "str",
    "time.time": "float",
    "time.time_ns": "int",
    "time.strftime": "str",
    "time.ctime": "str",
    "random.random": "float",
    "random.uniform": "float",
    "random.randint": "int",
    "random.randrange": "int",
    "tempfile.gettempdir": "str",
    "tempfile.mkdtemp": "str",
    "torch.cuda.is_available": "bool",
    "torch.cuda.device_count": "int",
    "torch.backends.mps.is_available": "bool",
    "pathlib.Path.home": "path",
    "pathlib.Path.cwd": "path",
    "builtins.input": "str",
    "shutil.which": "",
    "uuid.uuid4": "object",
    "datetime.datetime.now": "object",
    "datetime.datetime.today": "object",
    "datetime.datetime.utcnow": "object",
    "datetime.date.today": "object",
}

# Return None where a variable is not set, unless another default is given.
_VARIABLES: Final = frozenset(["os.getenv", "os.environ.get"])
# Change nothing but the unknown start of the project's own paths.
_KEEP: Final = frozenset(["os.path.abspath", "os.path.expanduser", "os.path.realpath"])


def constant(name: str) -> Value:
    """Return the value of a constant by its full name, else the name itself."""
    value = _CONSTANTS.get(name, MISSING)
    if value is not MISSING:
        return value
    return machine_dependent(name) if name == "sys.executable" else External(name)


def machine_dependent(name: str, kind: str = "str") -> Unknown:
    """Return an unknown value that depends on the machine."""
    return Unknown(kind, fill(_("it depends on the machine ({name})"), name=name))


def _same_anywhere(name: str, path: str, start: Value) -> str:
    """Return a path that is the same on every machine, "" where that is not known."""
    here = path.startswith(HERE)
    if name in _KEEP and here:
        return posixpath.normpath(path)
    if name == "os.path.expanduser" and not path.startswith("~"):
        return path
    if name == "os.path.abspath" and path.startswith("/"):
        return posixpath.normpath(path)
    if name == "os.path.relpath" and isinstance(start, str):
        both = [posixpath.isabs(one) or one.startswith(HERE) for one in (path, start)]
        if all(both) and here == start.startswith(HERE):
            found = posixpath.relpath(f"/{path}", f"/{start}")
            return "" if HERE in found else found
    return ""


def machine_handlers() -> dict[str, Handler]:
    """Return handlers for the functions whose result depends on the machine."""
    return {name: _of_machine(name, kind) for name, kind in _MACHINE.items()}


def _of_machine(name: str, kind: str) -> Handler:
    def answer(run: Machine, given: Arguments) -> Value:
        path = given.get("path", 0)
        if isinstance(path, str):
            known = _same_anywhere(name, path, given.get("start", 1))
            if known:
                return known
        if name in _VARIABLES and given.get("default", 1, None) is None:
            return replace(machine_dependent(name, kind), optional=True)
        return machine_dependent(name, kind)

    return answer
