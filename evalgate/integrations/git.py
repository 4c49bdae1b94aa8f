"""What changed since the branch left its base, as git tells it: committed, not committed, and not known to git yet."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalgate.errors import InputError

_SECONDS = 60.0
_ADVICE = "name what to compare with: --base REF; in CI, fetch the history (GitHub: fetch-depth: 0)"


@dataclass(frozen=True, slots=True)
class Changes:
    """The changed files (absolute, resolved), and the commit that they changed since."""

    root: Path
    base: str
    name: str
    files: frozenset[Path]

    def before(self, path: Path) -> bytes | None:
        """What a file held at the base; None: it was not there."""
        if not path.is_relative_to(self.root):
            return None
        done = _git(["show", f"{self.base}:{path.relative_to(self.root).as_posix()}"], self.root)
        return done.stdout if done.returncode == 0 else None


def changes(folder: Path, environment: Mapping[str, str], base: str | None = None) -> Changes:
    """What changed in the repository of `folder` since it left `base`; by default, what the CI says is the base.

    Raises `InputError` when that cannot be told: then nobody knows what is touched.
    """
    found = _git(["rev-parse", "--show-toplevel"], folder)
    if found.returncode:
        raise InputError(f"--changed-only: {folder.resolve()} is in no git repository")
    root = Path(found.stdout.decode().rstrip("\n")).resolve()
    tried = [base] if base is not None else _bases(environment)
    for name in tried:
        merged = _git(["merge-base", "--end-of-options", name, "HEAD"], root)
        if not merged.returncode:
            commit = merged.stdout.decode().strip()
            tracked = _listed(["diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", commit], root)
            new = _listed(["ls-files", "--others", "--exclude-standard", "-z"], root)
            return Changes(root, commit, name, frozenset((root / each).resolve() for each in (*tracked, *new)))
    raise InputError(f"--changed-only: git knows no common commit of HEAD and {' or '.join(tried)}; {_ADVICE}")


def _bases(environment: Mapping[str, str]) -> list[str]:
    """What a branch is compared with, the first that there is."""
    if name := environment.get("GITHUB_BASE_REF"):
        return [f"origin/{name}"]
    if commit := environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return [commit]
    if name := environment.get("CHANGE_TARGET"):  # Jenkins
        return [f"origin/{name}"]
    return ["origin/HEAD", "origin/main", "origin/master", "main", "master"]


def _listed(arguments: Sequence[str], root: Path) -> list[str]:
    done = _git(arguments, root)
    if done.returncode:
        raise InputError(f"--changed-only: git {arguments[0]} failed: {done.stderr.decode(errors='replace')[:300]}")
    return [name.decode(errors="surrogateescape") for name in done.stdout.split(b"\0") if name]


def _git(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise InputError("--changed-only: the command git is not here") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"--changed-only: git {arguments[0]} took longer than {_SECONDS:.0f} s") from None
