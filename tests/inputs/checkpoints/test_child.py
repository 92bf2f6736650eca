from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import humouse_doctor
from humouse_doctor.core.errors import DoctorError, InputError
from humouse_doctor.inputs.checkpoints import checkpoint, child, protocol
from humouse_doctor.inputs.checkpoints.protocol import Answer
from tests.inputs.checkpoints.files import save, weights

PACKAGE = Path(humouse_doctor.__file__).parent
READY = f"import os, signal, sys, time; w = lambda data: os.write(1, data); w({protocol.READY!r}); sys.stdin.readline();"


def acting(monkeypatch: pytest.MonkeyPatch, code: str) -> list[subprocess.Popen[bytes]]:
    """Replace the loader by a process that runs `code`; the returned list holds that process."""
    started: list[subprocess.Popen[bytes]] = []

    def launch() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(child, "launch", launch)
    return started


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        checkpoint.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


HEADER = b'{"tensors": [["a.b", "float32", [2]]], "statistics": {}, "config": {}, "stated": {}, "remarks": [], "foreign": []}'
FRAME = len(HEADER).to_bytes(8, "little") + HEADER


@pytest.mark.loader_process
@pytest.mark.parametrize(
    ("act", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "SIGXCPU, more than 4 s of computing"),
        ("os._exit(7)", "exit status 7"),
        ("os._exit(86)", "it tried something that no checkpoint needs"),
        ("os._exit(0)", "its answer was malformed: cut off"),
        ("w(b'nonsense' * 100)", "its answer was malformed: its header is too long"),
        (f"w({FRAME!r} + bytes(4))", "its answer was malformed: cut off"),
        (f"w({FRAME!r} + bytes(9))", "its answer was malformed: it is longer than announced"),
        (f"w({FRAME!r} + bytes(8)); os._exit(3)", "exit status 3"),
        (f"[w({FRAME!r} + bytes(1 << 16)) for _ in iter(int, 1)]", "its answer was malformed: it is longer than announced"),
    ],
)
def test_a_loader_that_ends_badly_is_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, how: str
) -> None:
    (process,) = [acting(monkeypatch, f"{READY} {act}")]
    message = refusal(save(tmp_path / "a.pt", weights()))
    assert message == f"the file crashed or exhausted the loader ({message.partition('(')[2].partition(')')[0]}); refused"
    assert how in message
    assert process[0].poll() is not None


@pytest.mark.loader_process
@pytest.mark.parametrize(
    "act", ["time.sleep(999)", f"w({FRAME!r}); time.sleep(999)", f"w({FRAME!r} + bytes(8)); time.sleep(999)"]
)
def test_a_loader_that_is_silent_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    monkeypatch.setattr(child, "_READ_S", 0.5)
    started = acting(monkeypatch, f"{READY} {act}")
    before = time.monotonic()
    assert "(more than " in refusal(save(tmp_path / "a.pt", weights()))
    assert time.monotonic() - before < 300
    assert started[0].poll() is not None


@pytest.mark.loader_process
@pytest.mark.parametrize("code", ["raise SystemExit(9)", "print('hello')", "import time; time.sleep(999)"])
def test_a_loader_that_does_not_start_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(child, "_START_S", 1.0)
    acting(monkeypatch, code)
    assert "the loader did not start (exit status " in refusal(save(tmp_path / "a.pt", weights()))


@pytest.mark.loader_process
def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(DoctorError, match=r"the loader cannot be started with .*no-python: No such file or directory"):
        checkpoint.load(save(tmp_path / "a.pt", weights()))


@pytest.mark.loader_process
def test_a_file_that_is_refused_at_first_sight_leaves_no_loader_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = acting(monkeypatch, "import time; time.sleep(999)")
    (tmp_path / "a.pt").write_bytes(b"hello")
    assert "neither torch.save nor safetensors" in refusal(tmp_path / "a.pt")
    assert started[0].poll() is not None


@pytest.mark.loader_process
def test_a_loader_gets_nothing_of_the_environment_that_could_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "never.py"))
    process = child.started()
    try:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes().decode()
    finally:
        process.kill()
        process.communicate()
    names = {entry.partition("=")[0] for entry in environment.split("\0") if entry}
    assert names <= {*child._ENVIRONMENT, *child._THREADS}


@pytest.mark.loader_process
def test_torch_is_imported_beside_the_loader_and_not_before(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", weights())
    code = f"""
import subprocess, sys
from humouse_doctor.inputs.checkpoints import checkpoint, child
def launch():
    print("torch" in sys.modules)
    return subprocess.Popen([sys.executable, "-S", "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.launch = launch
try:
    checkpoint.load(__import__("pathlib").Path({str(path)!r}))
except Exception as error:
    print("the loader did not start" in str(error), "torch" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    assert ended.stdout.split() == ["False", "True", "True"], ended.stderr


def test_an_answer_that_is_a_refusal_is_told_with_the_files_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from humouse_doctor.inputs.checkpoints import worker

    monkeypatch.setattr(
        worker, "write_answer", lambda _question, _files, stream: protocol.send(Answer(refusal="no\x1b"), stream)
    )
    assert refusal(save(tmp_path / "a.pt", weights())) == "no\\x1b"


def test_every_load_of_torch_says_weights_only_and_stands_in_the_loader() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "torch" not in text or "load" not in text:
            continue  # to look through a tree takes long
        found += [
            (path.name, {word.arg: ast.unparse(word.value) for word in node.keywords})
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
        ]
    assert found == [("worker.py", {"map_location": "'cpu'", "weights_only": "True", "mmap": "False"})]


def test_the_interpreter_that_is_asked_is_this_one_without_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "Popen", lambda arguments, **_: asked.append(arguments))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", "lib", str(tmp_path), f"{tmp_path}/", "/somewhere"])
    child.started()
    assert asked[0][:2] == [sys.executable, "-I"]
    assert json.loads(asked[0][-1]) == [["/somewhere", str(PACKAGE.parent)], None]
