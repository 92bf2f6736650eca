from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from humouse_doctor.inputs.checkpoints.guard import FORBIDDEN_STATUS

ROOT = Path(__file__).resolve().parents[3]
START = """
import ctypes, gc, importlib, marshal, mmap, os, pathlib, pickle, resource, shutil
import signal, socket, subprocess, sys, tempfile, threading
sys.path.insert(0, sys.argv[1])
os.chdir(sys.argv[2])
from humouse_doctor.inputs.checkpoints import guard
CODE = compile("a = 1", "a", "exec")
"""
LOCK = "guard.lock(lambda event: os.write(1, event.encode()))\n"


def run(folder: Path, code: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", START + code, str(ROOT), str(folder)], capture_output=True, check=False, timeout=60
    )


#: An attempt, and the audit event that ends it; empty if a library triggers another event before.
ACTS = [
    ("os.system('touch ran')", "os.system"),
    ("subprocess.run(['touch', 'ran'])", "subprocess.Popen"),
    ("os.posix_spawn('/bin/touch', ['touch', 'ran'], {})", "os.posix_spawn"),
    ("os.fork()", "os.fork"),
    ("os.execv('/bin/touch', ['touch', 'ran'])", "os.exec"),
    ("open('ran', 'w')", "open"),
    ("pathlib.Path('ran').touch()", ""),
    ("os.open('ran', os.O_CREAT | os.O_WRONLY)", "open"),
    ("open('/etc/passwd').read()", "open"),
    ("os.mkdir('ran')", "os.mkdir"),
    ("os.remove('kept')", "os.remove"),
    ("os.rename('kept', 'ran')", "os.rename"),
    ("os.symlink('kept', 'ran')", "os.symlink"),
    ("os.listdir('.')", "os.listdir"),
    ("shutil.rmtree('.')", "shutil.rmtree"),
    ("socket.socket()", "socket.__new__"),
    ("socket.getaddrinfo(b'localhost', 80)", "socket.getaddrinfo"),
    ("import antigravity", "import antigravity"),
    ("importlib.import_module('this')", ""),
    ("exec(CODE)", "exec"),
    ("compile('1', 'a', 'eval')", "compile"),
    ("marshal.loads(b'i\\x01\\0\\0\\0')", "marshal.loads"),
    ("pickle.loads(b'cos\\nsystem\\n.')", "pickle.find_class"),
    ("ctypes.CDLL(None)", "ctypes.dlopen"),
    ("gc.get_objects()", "gc.get_objects"),
    ("sys.addaudithook(print)", "sys.addaudithook"),
    ("(lambda: 0).__code__.replace(co_name='a')", "code.__new__"),
    ("mmap.mmap(-1, 4096)", "mmap.__new__"),
    ("signal.pthread_kill(threading.get_ident(), signal.SIGTERM)", "signal.pthread_kill"),
    ("resource.setrlimit(resource.RLIMIT_CORE, (0, 0))", "resource.setrlimit"),
]


@pytest.mark.parametrize(("act", "event"), ACTS)
def test_a_locked_process_ends_before_it_does_anything_else(tmp_path: Path, act: str, event: str) -> None:
    (tmp_path / "kept").touch()

    ended = run(tmp_path, f"{LOCK}{act}\nos.write(1, b' went on')")

    assert ended.returncode == FORBIDDEN_STATUS, ended.stderr.decode()
    assert ended.stdout.decode().startswith(event)
    assert b"went on" not in ended.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_locked_process_may_count_and_answer(tmp_path: Path) -> None:
    ended = run(tmp_path, f"{LOCK}os.write(1, str(sum(range(10))).encode())")
    assert (ended.returncode, ended.stdout) == (0, b"45")


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ by platform")
@pytest.mark.parametrize(
    ("act", "ending"),
    [
        ("x = bytearray(1 << 30)", "MemoryError"),
        ("while True: pass", "-24"),
        ("os.write(os.open('ran', os.O_CREAT | os.O_WRONLY), b'x')", "File too large"),
    ],
)
def test_a_limited_process_gets_no_further(tmp_path: Path, act: str, ending: str) -> None:
    ended = run(tmp_path, f"guard.limit(64 << 20, 1)\n{act}\nprint('went on')")
    assert b"went on" not in ended.stdout
    assert ending in f"{ended.returncode} {ended.stderr.decode()}"


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ by platform")
def test_limits_are_only_ever_lowered(tmp_path: Path) -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
guard.limit(64 << 20, 1000)
print(resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE))
"""
    assert run(tmp_path, code).stdout.decode().strip() == "(5, 5) (0, 0)"
