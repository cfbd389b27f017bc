"""The real programs whose parsers are the truth, and the interpreter that has them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import drawn

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
NEWER_TYPER = "typer==0.29.2"
TRUTH = HERE / "truth.py"
# What users set on their machines; a default that follows it is the machine's.
ELSEWHERE = {
    "KEYNET_TRUTH_ELSEWHERE": "1",
    "CIBW_OUTPUT_DIR": "other",
    "CIBW_DEBUG_TRACEBACK": "1",
    "FORCE_COLOR": "1",
    "TLDR_PAGES_SOURCE_LOCATION": "https://other.example.com",
}


# Libraries that are too large to install for the command lines of those who use them.
ABSENT = """
    PIL PyQt5 ahocorasick albumentations asyncer braceexpand chex colorlog cv2 datasets einops emoji
    evaluate fasttext fastapi fastremap filetype fill_voids ftfy gymnasium huggingface_sb3
    humanfriendly hydra imgviz immutables librosa lightning matplotlib mlx modelindex mpl_toolkits
    natsort networkx numba omegaconf onnxruntime opt_einsum orjson osam pandas peft pkg_resources
    polars pooch pyarrow pymatting pyonmttok roboflow roifile safetensors sb3_contrib scipy seaborn
    segment_anything sentencepiece skimage sklearn spacy sqlalchemy stable_baselines3 tensorflow
    tifffile tokenizers torch torch_complex torchaudio torchvision transformers udtools ultralytics
    wandb webdataset
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A module to run, or a console script's ``module:function``.

    Args:
        stages: The parse call that counts, where a program makes several.
        words: A command line with which it gets that far.
        without: A plugin of another distribution, run as if it were not installed.
        absent: Large libraries are stood in for where they are not installed.
        drawn: One of those drawn by a seed, see ``drawn``.
        held_back: One of those that were not looked at while the reading was changed.
    """

    framework: str
    start: str
    stages: int = 1
    without: str = ""
    absent: bool = False
    drawn: bool = False
    held_back: bool = False
    words: str = ""
    since: tuple[int, int] = (3, 11)
    until: tuple[int, int] = (4, 0)

    @property
    def here(self) -> bool:
        """Whether this Python's standard library has it."""
        return self.since <= sys.version_info[:2] < self.until


STANDARD = (
    Program("argparse", "ast"),
    Program("argparse", "calendar"),
    Program("argparse", "code"),
    Program("argparse", "compileall"),
    Program("argparse", "dis"),
    Program("argparse", "doctest"),
    Program("argparse", "ensurepip"),
    Program("argparse", "gzip"),
    Program("argparse", "http.server"),
    Program("argparse", "inspect"),
    Program("argparse", "json.tool"),
    Program("argparse", "nntplib", until=(3, 13)),
    Program("argparse", "pickle"),
    Program("argparse", "pickletools"),
    Program("argparse", "py_compile"),
    Program("argparse", "tarfile"),
    Program("argparse", "tokenize"),
    Program("argparse", "trace"),
    Program("argparse", "unittest"),
    Program("argparse", "venv"),
    Program("argparse", "zipapp"),
    Program("argparse", "zipfile"),
    Program("argparse", "random", since=(3, 13)),
    Program("argparse", "sqlite3", since=(3, 12)),
)

PACKAGED = (
    Program("argparse", "autoflake:main"),
    Program("argparse", "bandit.cli.baseline:main"),
    Program("argparse", "bandit.cli.config_generator:main"),
    Program("argparse", "bandit.cli.main:main"),
    Program("argparse", "beautysh.__main__:main"),
    Program("argparse", "build.__main__:entrypoint"),
    Program("argparse", "chardet.cli:main"),
    Program("argparse", "charset_normalizer.cli:cli_detect"),
    Program("argparse", "check_manifest:main"),
    Program("argparse", "cibuildwheel.__main__:main"),
    Program("argparse", "codespell_lib._codespell:_script_main"),
    Program("argparse", "com2ann:main"),
    Program("argparse", "creosote.cli:main"),
    Program("argparse", "docformatter.__main__:main", stages=2),
    Program("argparse", "flit:main"),
    Program("argparse", "flynt:main"),
    Program("argparse", "fprettify:run"),
    Program("argparse", "gdown.__main__:main"),
    Program("argparse", "honcho.command:main"),
    Program("argparse", "hypercorn.__main__:main"),
    Program("argparse", "isort.main:main"),
    Program("argparse", "jsonschema.cli:main"),
    Program("argparse", "kernprof:main"),
    Program("argparse", "line_profiler"),
    Program("argparse", "memory_profiler"),
    Program("argparse", "mypy.__main__:console_entry"),
    Program("argparse", "mypy.dmypy.client:console_entry"),
    Program("argparse", "mypy.stubgen:main"),
    Program("argparse", "mypy.stubtest:main"),
    Program("argparse", "nbstripout._nbstripout:main"),
    Program("argparse", "piplicenses:main"),
    Program("argparse", "pyclean.cli:main"),
    Program("argparse", "pygments.cmdline:main"),
    Program("argparse", "pypistats.cli:main"),
    Program("argparse", "pyupgrade._main:main"),
    Program("argparse", "sacrebleu.sacrebleu:main"),
    Program("argparse", "shtab.main:main"),
    Program("argparse", "snakeviz.cli:main"),
    Program("argparse", "speedtest:main"),
    Program("argparse", "sqlparse.__main__:main"),
    Program("argparse", "subword_nmt.apply_bpe"),
    Program("argparse", "subword_nmt.learn_bpe"),
    Program("argparse", "subword_nmt.subword_nmt:main"),
    Program("argparse", "tldr:cli"),
    Program("argparse", "toml_sort.cli:cli"),
    Program("argparse", "twine.__main__:main"),
    Program("argparse", "unimport.__main__:main"),
    Program("argparse", "vulture.core:main"),
    Program("argparse", "watchdog.watchmedo:main"),
    Program("argparse", "watchfiles.cli:cli"),
    Program("argparse", "yamllint.cli:run"),
    Program("argparse", "yapf:run_main"),
    Program("argparse", "yapf_third_party.yapf_diff.yapf_diff:main"),
    Program("click", "black"),
    Program("click", "cookiecutter.__main__:main"),
    Program("click", "deptry.cli:deptry"),
    Program("click", "docstr_coverage.cli:execute"),
    Program("click", "dotenv.__main__:cli"),
    Program("click", "files_to_prompt.cli:cli"),
    Program("click", "flask.cli:main"),
    Program("click", "importlinter.cli:lint_imports_command"),
    Program("click", "interrogate.cli:main"),
    Program("click", "jiwer.cli:cli"),
    Program("click", "mkdocs.__main__:cli"),
    Program("click", "nltk.cli:cli"),
    Program("click", "papermill.__main__:papermill"),
    Program("click", "piptools.scripts.compile:cli"),
    Program("click", "piptools.scripts.sync:cli"),
    Program("click", "rq.cli:main"),
    Program("click", "sacremoses.cli:cli"),
    Program("click", "scriv.cli:cli"),
    Program("click", "shiv.cli:main"),
    Program("click", "shiv.info:main"),
    Program("click", "sqlfmt.cli:sqlfmt"),
    Program("click", "sqlite_utils.cli:cli"),
    Program("click", "strip_tags.cli:cli"),
    Program("click", "symbex.cli:cli"),
    Program("click", "towncrier._shell:cli"),
    Program("click", "ttok.cli:cli"),
    Program("click", "userpath.cli:userpath"),
    Program("click", "uvicorn.main:main"),
    Program("typer", "codelimit.__main__:cli"),
    Program("typer", "cruft._cli:app"),
    # The plugin is a program of its own, below; its arguments would count twice.
    Program("typer", "fastapi_cli.cli:main", without="fastapi_cloud_cli"),
    Program("typer", "fastapi_cloud_cli.cli:main"),
    Program("typer", "fastapi_code_generator.__main__:app"),
    Program("typer", "huggingface_hub.cli.hf:main"),
    Program("typer", "huggingface_hub.inference._mcp.cli:app"),
    Program("typer", "mcp.cli:app"),
    Program("typer", "openapi_python_client.cli:app"),
    Program("typer", "pls_cli.please:app"),
    Program("typer", "pycln.cli:app"),
    Program("typer", "rstcheck._cli:main"),
    Program("typer", "safety.cli:cli"),
    Program("typer", "strawberry.cli:run"),
    Program("typer", "toml_cli:main"),
    Program("typer", "typer.cli:main"),
    Program("typer", "usethis.__main__:app"),
    Program("typer", "weasel.cli:app"),
    Program("argparse", "bumpversion.cli:main", stages=3),
    Program("argparse", "lizard:main", stages=2),
)


# Programs that train, evaluate and convert models. Nothing was changed for them before they were
# first read; what they import and is large is stood in for.
TRAINING = tuple(
    Program(framework, start, stages, absent=True)
    for framework, stages, starts in (
        ("argparse", 1, """
            accelerate.commands.accelerate_cli:main accelerate.commands.estimate:main
            accelerate.commands.launch:main autotrain.cli.autotrain:main
            bert_score_cli.score:main bert_score_cli.visualize:main cellpose.__main__:main
            dicee.scripts.run:main labelme.__main__:main lm_eval.__main__:cli_evaluate
            mlx_lm.convert:main mlx_lm.fuse:main mlx_lm.generate:main mlx_lm.lora:main
            mlx_lm.server:main open_clip_train.main optuna.cli:main pytorch_fid.fid_score:main
            rl_zoo3.enjoy:enjoy rl_zoo3.train:train stanza.models.charlm stanza.models.classifier
            stanza.models.constituency_parser stanza.models.lemmatizer stanza.models.mwt_expander
            stanza.models.ner_tagger stanza.models.parser stanza.models.tagger
            stanza.models.tokenizer torch_fidelity.fidelity:main whisperx.__main__:cli
            yolov5.classify.train yolov5.detect yolov5.export yolov5.segment.train yolov5.train
            yolov5.val
        """),
        ("argparse", 2, "sockeye.train:main sockeye.translate:main"),
        ("argparse", 1, "espnet.bin.asr_train espnet.bin.tts_train"),
        ("click", 1, "mergekit.scripts.moe:main mergekit.scripts.run_yaml:main mim.cli:cli "
                     "rembg.cli:main"),
    )
    for start in starts.split()
)  # fmt: skip
# The model and the optimizer add theirs between the first parse call and the last.
STAGED = (
    Program(
        "argparse",
        "espnet.bin.lm_train",
        stages=2,
        absent=True,
        words="--outdir o --dict d --train-label t --valid-label v --ngpu 0 --backend pytorch",
    ),
)


DRAWN = tuple(
    Program(framework, start, absent=True, drawn=True, held_back=half is drawn.HELD_BACK)
    for half in (drawn.DRAWN, drawn.HELD_BACK)
    for framework, starts in half.items()
    for start in starts.split()
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the program's own parser takes; ``uncertain`` fields are the machine's, not its own."""

    program: Program
    entry: Path
    arguments: tuple[dict[str, Any], ...]
    uncertain: frozenset[tuple[int, str]]


def programs() -> list[Program]:
    """List the programs that this version of Python can run."""
    return [
        program for program in (*STANDARD, *PACKAGED, *TRAINING, *STAGED, *DRAWN) if program.here
    ]


def interpreter() -> Path:
    """Return a Python that has the packages, made on the first call.

    KEYNET_PACKAGES_PYTHON names one that is ready.
    """
    ready = os.environ.get("KEYNET_PACKAGES_PYTHON")
    if ready:
        return Path(ready)
    return _installed("packages", REQUIREMENTS.read_bytes(), ["--no-deps", "-r", str(REQUIREMENTS)])


def newer_typer() -> Path:
    """Return a Python that has a typer which no longer stands on click, made on the first call.

    The real programs have an older one. KEYNET_TYPER_PYTHON names one that is ready.
    """
    ready = os.environ.get("KEYNET_TYPER_PYTHON")
    return Path(ready) if ready else _installed("typer", NEWER_TYPER.encode(), [NEWER_TYPER])


def _installed(name: str, wanted: bytes, listed: list[str]) -> Path:
    key = hashlib.sha256(wanted + sys.version.encode()).hexdigest()[:12]
    folder = HERE.parents[1] / ".tox" / f"{name}-{key}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder, python, listed)
        (folder / "complete").touch()
    return python


def _install(folder: Path, python: Path, listed: list[str]) -> None:
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *listed], check=True)
        return
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", *listed], check=True)


def truths(python: Path, wanted: Iterable[Program]) -> list[Truth]:
    """Run the programs up to their parse calls, each one as two different machines."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(lambda program: _truth(python, program), wanted))


def _truth(python: Path, program: Program) -> Truth:
    here = _run(python, program, elsewhere=False)
    there = _run(python, program, elsewhere=True)
    for one, other in zip(here["arguments"], there["arguments"], strict=True):
        _settle(one, other)
    own = str(python.parent.parent)
    pairs = enumerate(zip(here["arguments"], there["arguments"], strict=True))
    uncertain = {
        (number, field)
        for number, (one, other) in pairs
        for field in ("default", "choices", "required")
        if one[field] != other[field] or own in json.dumps(one[field])
    }
    arguments = tuple(here["arguments"])
    return Truth(program, Path(here["entry"]), arguments, frozenset(uncertain))


def _settle(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Take a default as it is declared where what it is converted to is the machine's.

    A user who gives the declared text gets the same as one who gives nothing.
    """
    declared = [argument.pop("declared_default", None) for argument in (one, other)]
    if one["default"] != other["default"] and declared[0] == declared[1]:
        one["default"] = other["default"] = declared[0]


def _absent(program: Program) -> str:
    if program.drawn:
        return ABSENT + drawn.ABSENT
    return ABSENT if program.absent else ""


def _elsewhere(program: Program) -> dict[str, str]:
    asked = drawn.ENVIRONMENT.split() if program.drawn else []
    return {**dict.fromkeys(asked, "1"), **ELSEWHERE}


def _run(python: Path, program: Program, *, elsewhere: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "truth.json"
        work = Path(folder) / ("other/place" if elsewhere else "work")
        if elsewhere:
            shutil.copytree(HERE / "elsewhere", work)
        else:
            work.mkdir(parents=True)
        user = "somebody" if elsewhere else "nobody"
        environment = {
            "HOME": str(work.parent),
            "USER": user,
            "LOGNAME": user,
            "PATH": os.environ["PATH"],
            "COLUMNS": "200",
            "KEYNET_TRUTH_WITHOUT": program.without,
            "KEYNET_TRUTH_ABSENT": _absent(program),
            **(_elsewhere(program) if elsewhere else {}),
        }
        argv = [str(python), str(TRUTH), str(out)]
        argv += [program.framework, program.start, str(program.stages), *program.words.split()]
        ended = subprocess.run(
            argv,
            cwd=work,
            env=environment,
            # Some programs ask less of who pipes something into them.
            input="" if elsewhere else None,
            stdin=None if elsewhere else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if not out.exists():
            raise RuntimeError(f"{program.start} made no parser:\n{ended.stdout}{ended.stderr}")
        found: dict[str, Any] = json.loads(out.read_text())
        return found
