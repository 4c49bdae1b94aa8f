"""Programs that want out, or want everything: each is tried for real, and none leaves anything behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.graders.sandbox import Isolation, Limits, Outcome, SandboxError, isolation, run
from evalgate.graders.sandbox.isolation import FIRST_UID, unsafe
from evalgate.graders.sandbox.packages import folders

SHORT = Limits(seconds=1, memory=256 << 20, processes=8)


@pytest.fixture(scope="module")
def held() -> Isolation:
    try:
        return isolation()
    except SandboxError as failure:  # containers may forbid namespaces; the refusal itself is tested elsewhere
        pytest.skip(str(failure))


@pytest.fixture(scope="module", params=["bubblewrap", "none"])
def with_numpy(request: pytest.FixtureRequest) -> Isolation:
    found: Isolation = request.getfixturevalue("held") if request.param == "bubblewrap" else unsafe()
    return replace(found, packages=folders(["numpy"]))


def said(program: str, held: Isolation, limits: Limits = SHORT) -> str:
    found = run(program, held, limits=limits)
    assert found.ended == "done", found
    return found.stdout


def tried(attempt: str, held: Isolation) -> str:
    """What an attempt raises, by name; `succeeded` when it does not."""
    program = f"import os, socket, signal\ntry:\n    {attempt}\nexcept Exception as e:\n    print(type(e).__name__)\n"
    return said(program + "else:\n    print('succeeded')\n", held).strip()


def test_a_program_that_does_nothing_wrong_is_left_alone(held: Isolation) -> None:
    assert run("print(input() * 2)", held, stdin="ab", limits=SHORT) == Outcome("done", "abab\n", "")


def test_nobody_is_reached_by_the_network(held: Isolation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert tried(f"socket.create_connection(('127.0.0.1', {port}), 1)", held) != "succeeded"
    assert tried("socket.create_connection(('1.1.1.1', 53), 1)", held) != "succeeded"
    assert tried("socket.getaddrinfo('example.com', 80)", held) == "gaierror"


def test_keys_of_the_environment_are_not_there(held: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "sk-secret-value")
    look = (
        "import os, glob\nprint(dict(os.environ))\n"
        "for name in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: print(open(name, 'rb').read())\n"
        "    except OSError as e: print(name, e)\n"
    )
    assert "sk-secret" not in said(look, held)


def test_the_parent_is_not_in_sight(held: Isolation) -> None:
    seen = said("import os; print(*(name for name in os.listdir('/proc') if name.isdigit()))", held).split()
    assert str(os.getpid()) not in seen
    assert len(seen) <= 3


def test_nobody_outside_gets_a_signal(held: Isolation) -> None:
    got: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
    try:
        tried(f"os.kill({os.getpid()}, signal.SIGUSR1)", held)
        run("import os, signal; os.kill(-1, signal.SIGUSR1)", held, limits=SHORT)
        run("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", held, limits=SHORT)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == []


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/dev/x", "/proc/sys/kernel/hostname", "/etc/x", "/root/x"])
def test_nothing_is_written_outside(held: Isolation, path: str) -> None:
    assert tried(f"open({path!r}, 'w').write('x')", held) != "succeeded"


def test_files_of_the_host_are_not_there(held: Isolation, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    for path in (tmp_path / "key", Path(__file__), "/etc/passwd", "/etc/shadow"):
        assert tried(f"open({str(path)!r}).read()", held) != "succeeded"


def test_a_fork_bomb_ends(held: Isolation) -> None:
    if not held.counts_processes:
        pytest.skip("this is root without a user of its own for each run")
    assert run("import os\nwhile True: os.fork()", held, limits=SHORT).ended == "failed"


def test_memory_is_limited(held: Isolation) -> None:
    assert tried("bytearray(1 << 30)", held) == "MemoryError"


def test_files_are_limited(held: Isolation) -> None:
    many = "for n in range(64): open(str(n), 'wb').write(b'x' * (1 << 20))"
    assert tried(many, held) == "OSError"
    assert run("open('x', 'wb').truncate(1 << 40)", held, limits=SHORT).ended == "failed"


def test_endless_output_is_cut(held: Isolation) -> None:
    found = run("while True: print('x' * 1000)", held, limits=SHORT)
    assert found.ended == "output"
    assert len(found.stdout) <= SHORT.output


def test_an_endless_loop_ends(held: Isolation) -> None:
    assert run("while True: pass", held, limits=SHORT).ended == "time"


def test_who_sleeps_or_stops_itself_is_ended_by_the_clock(held: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.graders.sandbox.runner.CLOCK", 0)
    found = run("import os, signal\nsignal.signal(15, lambda *a: 0)\nos.kill(os.getpid(), 19)", held, limits=SHORT)
    assert found.ended == "time"


def test_nothing_is_left_behind(held: Isolation) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    os.closerange(0, 3)\n    time.sleep(600)\n"
    assert run(daemon, held, limits=SHORT).ended == "done"
    if held.own_user:
        owners = [_owner(entry) for entry in Path("/proc").glob("[0-9]*")]
        ours = range(FIRST_UID + os.getpid(), FIRST_UID + os.getpid() + 1000)
        assert not [uid for uid in owners if uid in ours]


def _owner(entry: Path) -> int:
    try:
        return entry.stat().st_uid
    except OSError:
        return -1


def test_many_run_at_once(held: Isolation) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda n=n: found.append(said(f"print({n})", held))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"{n}\n" for n in range(6)]


def test_a_sandbox_that_does_not_start_is_no_fault_of_the_program() -> None:
    broken = Isolation("/bin/false", own_user=False, landlock=0)
    with pytest.raises(SandboxError, match="did not start"):
        run("print(1)", broken)


def test_without_namespaces_limits_and_landlock_still_hold(tmp_path: Path) -> None:
    held = unsafe()
    assert "NO namespaces" in str(held)
    assert run("print(1)", held, limits=SHORT) == Outcome("done", "1\n", "")
    assert tried("bytearray(1 << 30)", held) == "MemoryError"
    assert run("while True: pass", held, limits=SHORT).ended == "time"
    if held.landlock:
        assert tried(f"open({str(tmp_path / 'x')!r}, 'w')", held) == "PermissionError"


def test_a_package_that_is_asked_for_can_be_used_with_one_thread(with_numpy: Isolation) -> None:
    program = (
        "import numpy, subprocess, sys\n"
        "numpy.ones((300, 300)) @ numpy.ones((300, 300))\n"
        "threads = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('Threads'))\n"
        "child = subprocess.run([sys.executable, '-c', 'import numpy'], capture_output=True).returncode\n"
        "print(numpy.allclose([1.0], [1.0 + 1e-9]), threads, child)\n"
    )
    assert said(program, with_numpy) == "True 1 0\n"


def test_nothing_that_lies_beside_a_package_is_there(with_numpy: Isolation) -> None:
    if not with_numpy.bubblewrap and not with_numpy.landlock:
        pytest.skip("neither namespaces nor Landlock")
    beside = Path(with_numpy.packages[0]).parent
    if beside.is_relative_to(sys.base_prefix):
        pytest.skip("these tests run without an environment of their own, and the interpreter's folder is there whole")
    assert (beside / "pydantic").is_dir()
    assert tried("import pydantic", with_numpy) == "ModuleNotFoundError"
    assert tried(f"os.listdir({str(beside)!r})", with_numpy) != "succeeded"
    assert tried(f"open({str(beside / 'pydantic' / '__init__.py')!r}).read()", with_numpy) != "succeeded"
    around = "import os, sys; print(*sorted(os.listdir(sys.path[0])))"
    assert said(around, with_numpy).split() == [Path(path).name for path in with_numpy.packages]
    past = "import numpy, os; print(open(os.path.dirname(numpy.__file__) + '/../pydantic/__init__.py').read())"
    assert run(past, with_numpy, limits=SHORT).ended == "failed"


def test_no_package_is_written_to(with_numpy: Isolation) -> None:
    if not with_numpy.bubblewrap and not with_numpy.landlock:
        pytest.skip("neither namespaces nor Landlock")
    write = "import os, sys; open(os.path.join(sys.path[0], 'numpy', 'x'), 'w')"
    assert run(write, with_numpy, limits=SHORT).ended == "failed"
    assert not (Path(with_numpy.packages[0]) / "x").exists()


def test_a_package_that_is_not_asked_for_is_not_there(held: Isolation) -> None:
    assert tried("import numpy", held) == "ModuleNotFoundError"


def test_sets_have_the_same_order_in_each_run(held: Isolation) -> None:
    assert len({said("print({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})", held) for _ in range(3)}) == 1
