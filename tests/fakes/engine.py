"""An engine as a program on PATH that answers from a table and writes down how it was called.

``install`` puts a buildah there that does the whole of keynet's work: it "builds" any
Containerfile and pushes a tiny image by plain HTTP. FAKE_ENGINE changes how it behaves, words
separated by spaces: ``fail-build``, ``fail-run`` (RUN steps fail), ``denied``, ``no-base``,
``user=NAME`` (the base image's), ``no-images`` (they are not listed), ``in-use`` (nor removed).
"""

import hashlib
import json
import shlex
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["IMAGE_ID", "Answer", "EngineProgram", "calls", "containerfiles", "install"]

IMAGE_ID = hashlib.sha256(b"the image").hexdigest()
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"

# Builtins wherever they do: a suite calls this hundreds of times. Two calls at once never get one
# number: a file that exists is not created again.
_SCRIPT = """\
#!/bin/sh
read number < {log}/count
number=$((number + 1))
set -C
until true 2>/dev/null > {log}/$number.argv; do number=$((number + 1)); done
set +C
echo $number > {log}/count
printf '%s\\n' "$@" > {log}/$number.argv
export -p > {log}/$number.environment
case "$*" in *-stdin*|*" -"|"cp - "*) /bin/cat > {log}/$number.stdin;; esac
case "$*" in
{cases}
*) echo "unexpected: $*" >&2; exit 99;;
esac
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a call whose arguments match a shell pattern; ``also`` is shell to run."""

    pattern: str
    stdout: str = ""
    stderr: str = ""
    status: int = 0
    also: str = ":"


@dataclass(frozen=True, slots=True)
class Call:
    arguments: list[str]
    environment: dict[str, str]
    stdin: bytes
    containerfile: str = ""


@dataclass(slots=True)
class EngineProgram:
    """Write the program with ``answers``, the first that matches counts."""

    folder: Path
    name: str
    answers: list[Answer] = field(default_factory=list)

    def install(self) -> Path:
        """Write the program into its folder, which belongs on PATH."""
        self._log.mkdir(parents=True, exist_ok=True)
        for old in self._log.iterdir():
            old.unlink()
        (self._log / "count").write_text("0\n")
        cases = []
        for number, answer in enumerate(self.answers):
            says = [
                self._say(f"{number}.{stream}", text, redirect)
                for stream, text, redirect in (
                    ("out", answer.stdout, ""),
                    ("err", answer.stderr, " >&2"),
                )
            ]
            cases.append(
                f"{_glob(answer.pattern)}) {answer.also}; {''.join(says)} exit {answer.status};;"
            )
        program = self.folder / self.name
        program.write_text(_SCRIPT.format(log=shlex.quote(str(self._log)), cases="\n".join(cases)))
        program.chmod(0o755)
        return program

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        numbers = sorted(int(path.stem) for path in self._log.glob("*.environment"))
        return [self._call(str(number)) for number in numbers]

    @property
    def verbs(self) -> list[str]:
        """The calls as text, arguments joined by spaces."""
        return [" ".join(call.arguments) for call in self.calls]

    def _say(self, name: str, text: str, redirect: str) -> str:
        if not text:
            return ""
        path = self._log / name
        path.write_text(text)
        return f"/bin/cat {shlex.quote(str(path))}{redirect};"

    def _call(self, number: str) -> Call:
        stdin = self._log / f"{number}.stdin"
        built = self._log / f"{number}.containerfile"
        environment = {}
        for line in (self._log / f"{number}.environment").read_text().splitlines():
            name, _equals, value = line.removeprefix("export ").partition("=")
            environment[name] = "".join(shlex.split(value)) if value else ""
        return Call(
            (self._log / f"{number}.argv").read_text().split("\n")[:-1],
            environment,
            stdin.read_bytes() if stdin.exists() else b"",
            built.read_text() if built.exists() else "",
        )

    @property
    def _log(self) -> Path:
        return self.folder / f".{self.name}-calls"


def _glob(pattern: str) -> str:
    """Quote everything for the shell but the stars."""
    return "*".join(shlex.quote(part) if part else "" for part in pattern.split("*"))


def install(folder: Path) -> None:
    """Write a buildah that works into this folder, which goes into PATH."""
    info = {
        "host": {"arch": "amd64", "rootless": False, "OCIRuntime": "crun"},
        "store": {"GraphDriverName": "overlay", "GraphRoot": "/nonexistent"},
    }
    denied = _where("denied", "echo 'Error: unauthorized: access denied' >&2; exit 125")
    no_images = _where("no-images", "echo 'the store is locked' >&2; exit 125")
    in_use = _where("in-use", "echo 'image is in use by a container' >&2; exit 2")
    push = f'{shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@" || exit'
    EngineProgram(
        folder,
        "buildah",
        [
            Answer("--version", "buildah version 1.28.2 (image-spec 1.1)\n"),
            Answer("info", json.dumps(info)),
            Answer("build *", f"{IMAGE_ID}\n", also=_BUILD),
            Answer("inspect *", also=_INSPECT),
            Answer("images *", "localhost/keynet/p:latest 1 kB\n", also=no_images),
            Answer("rmi localhost/keynet/p:latest", also=in_use),
            Answer("push *", "Copying config sha256:" + IMAGE_ID, also=f"{denied}; {push}"),
            Answer("login *", "Login Succeeded!\n", also=denied),
            Answer("*"),
        ],
    ).install()


def calls(folder: Path) -> list[list[str]]:
    """Return every call of the programs in this folder: name and arguments."""
    return [[name, *call.arguments] for name, call in _all_calls(folder)]


def containerfiles(folder: Path) -> list[str]:
    """Return what the programs in this folder were told to build, trials included."""
    return [call.containerfile for _name, call in _all_calls(folder) if call.containerfile]


def _all_calls(folder: Path) -> list[tuple[str, Call]]:
    programs = [
        EngineProgram(folder, path.name) for path in sorted(folder.iterdir()) if path.is_file()
    ]
    return [(program.name, call) for program in programs for call in program.calls]


def _where(word: str, script: str) -> str:
    return f'case " $FAKE_ENGINE " in *" {word} "*) {script};; esac'


_FAIL = (
    "echo something said why >&2; "
    "echo \"Error: building at STEP '$step': exit status 1\" >&2; exit 125"
)
_BUILD = f"""\
for each; do test "$before" = --file && file=$each; before=$each; done
/bin/cat "$file" > "${{0%/*}}/.buildah-calls/$number.containerfile"
number=0
while read -r step; do
case $step in "FROM scratch") trial=1;; esac
case $step in [A-Z]*" "*)
number=$((number + 1))
echo "STEP $number/9: $step"
case $trial$step in COPY*) {_where("fail-build", _FAIL)};; *RUN*) {_where("fail-run", _FAIL)};; esac
echo "--> {IMAGE_ID[:11]}";;
esac
done < "$file\""""
_INSPECT = f"""\
{_where("no-base", "echo 'Error: image not known' >&2; exit 125")}
for word in $FAKE_ENGINE; do case $word in user=*) user=${{word#user=}};; esac; done
printf '{{"OCIv1": {{"os": "linux", "architecture": "amd64", ' && \
printf '"config": {{"User": "%s"}}}}}}' $user"""


def _push(arguments: list[str]) -> None:
    target = arguments[-1]
    if not target.startswith("docker://"):
        Path(target.split(":")[1]).write_bytes(b"an archive")
        return
    host, _slash, path = target.removeprefix("docker://").partition("/")
    repository, _colon, tag = path.rpartition(":")
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}})
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", **_described(config.encode())}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": []}
    body = json.dumps(manifest).encode()
    _put_blob(f"http://{host}/v2/{repository}", config.encode())
    _request("PUT", f"http://{host}/v2/{repository}/manifests/{tag}", body, OCI_MANIFEST)
    digestfile = arguments[arguments.index("--digestfile") + 1]
    Path(digestfile).write_text(str(_described(body)["digest"]))


def _described(content: bytes) -> dict[str, object]:
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _put_blob(base: str, content: bytes) -> None:
    location = _request("POST", f"{base}/blobs/uploads/", b"", "")
    where = location if "://" in location else "/".join(base.split("/")[:3]) + location
    glue = "&" if "?" in where else "?"
    digest = _described(content)["digest"]
    _request("PUT", f"{where}{glue}digest={digest}", content, "application/octet-stream")


def _request(method: str, url: str, body: bytes, kind: str) -> str:
    request = urllib.request.Request(url, body, method=method, headers={"Content-Type": kind})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        return str(answer.headers.get("Location", ""))


if __name__ == "__main__":
    _push(sys.argv[1:])
