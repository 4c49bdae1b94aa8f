"""What runs first inside the sandbox: it gives up all rights, sets the limits, and becomes the program.

This file is handed to a bare Python as text (`python -I -S -c …`), so it needs nothing but the standard library of any
Python from 3.9 on. It reads one job as JSON from stdin and says `ready` when nothing is left to be given
up; whatever happens before that is a fault of the sandbox, and after it one of the program.

Landlock is the second layer: should a mount be wrong, the kernel still refuses writing anywhere but in the folder of
the program, TCP (from Linux 6.7 on), and signals to anybody outside (6.12).
"""

import ctypes
import json
import os
import resource
import sys
from collections.abc import Sequence

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on every architecture
_NO_NEW_PRIVILEGES = 38
_PATH_BENEATH, _VERSION = 1, 1
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
_FIRST_ABI_RIGHTS = (1 << 13) - 1
_FIRST_WITH = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # refer, truncate, ioctl on devices
_FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals
_WITH_TCP, _WITH_SCOPES = 4, 6


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """Of Landlock in this kernel; 0 where there is none."""
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    return max(0, found)


def confine(writable: Sequence[str], readable: Sequence[str]) -> int:
    """Let this process write only below `writable`, and read only there and below `readable`; the version, or 0.

    Raises `OSError` where the kernel has Landlock and refuses.
    """
    version = landlock_version()
    if not version:
        return 0
    system = ctypes.CDLL(None, use_errno=True)
    rights = _FIRST_ABI_RIGHTS
    for since, right in _FIRST_WITH.items():
        rights |= right if version >= since else 0
    rules = _Rules(rights, _TCP if version >= _WITH_TCP else 0, _SCOPES if version >= _WITH_SCOPES else 0)
    size = 24 if version >= _WITH_SCOPES else 16 if version >= _WITH_TCP else 8
    handle = _checked(system.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    for allowed, paths in ((rights, writable), (_READ, readable)):
        for path in filter(os.path.exists, paths):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            mask = allowed if os.path.isdir(path) else allowed & _FILE_RIGHTS  # noqa: PTH112  # a path costs an import
            beneath = _Beneath(mask, place)
            _checked(system.syscall(_ADD, handle, _PATH_BENEATH, ctypes.byref(beneath), 0))
            os.close(place)
    _checked(system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(system.syscall(_RESTRICT, handle, 0))
    os.close(handle)
    return version


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def limit(job: dict) -> None:  # type: ignore[type-arg]  # it is read from JSON
    """Set the limits of a job on this process and all that it starts."""
    for name, most in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_CPU", job["cpu_seconds"]),
        ("RLIMIT_AS", job["memory"]),
        ("RLIMIT_FSIZE", job["file"]),
        ("RLIMIT_NOFILE", job["open_files"]),
        ("RLIMIT_NPROC", job["processes"]),
    ):
        resource.setrlimit(getattr(resource, name), (most, most))


def main() -> None:
    """Become the program of the job on stdin."""
    job = json.loads(sys.stdin.buffer.readline())
    folder = job["folder"]
    if job["uid"] is not None:
        os.setgroups([])
        os.setresgid(job["uid"], job["uid"], job["uid"])
        os.setresuid(job["uid"], job["uid"], job["uid"])
    os.chdir(folder)
    if job["packages"]:
        os.mkdir("packages")  # noqa: PTH102
    for path in job["packages"]:
        os.symlink(path, os.path.join("packages", os.path.basename(path)))  # noqa: PTH118, PTH119, PTH211
    for name in ("program.py", "stdin"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
            file.write(job[name])
    confine([folder, "/dev/null", "/dev/shm"], job["readable"])  # noqa: S108  # the sandbox's own
    limit(job)
    asked = os.open("stdin", os.O_RDONLY)
    os.dup2(asked, 0)
    os.close(asked)
    os.write(1, b"ready\n")
    # not -I, which would not hear PYTHONHASHSEED and PYTHONPATH: all variables are the sandbox's own
    os.execv(sys.executable, [sys.executable, "-s", "-P", "-S", "-B", "program.py"])  # noqa: S606


if __name__ == "__main__":
    main()
