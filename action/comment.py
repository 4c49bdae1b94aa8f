"""Comments on a pull request, or brings the comment of the last run up to date: found by the marker in its first line.

Run by the action with GITHUB_TOKEN, GITHUB_REPOSITORY, PULL_REQUEST and GITHUB_API_URL. A job that may not comment, as
on a pull request from a fork, says so and does not fail: the step summary has told the same.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

MARKER = "<!-- evalgate -->"
PAGE, MOST_PAGES = 100, 30
SECONDS = 30.0
FORBIDDEN = (401, 403, 404)


def main(path: Path) -> int:
    """Put the body in the file at `path` where it belongs; returns the exit code."""
    if not path.is_file():
        print("evalgate: nothing was judged, so there is no comment")
        return 0
    body = path.read_text(encoding="utf-8")
    repository, number = os.environ["GITHUB_REPOSITORY"], int(os.environ["PULL_REQUEST"])
    comments = f"/repos/{repository}/issues/{number}/comments"
    try:
        own = _own(comments)
        if own is None:
            _call("POST", comments, body)
        else:
            _call("PATCH", f"/repos/{repository}/issues/comments/{own}", body)
    except urllib.error.HTTPError as failure:
        print(f"evalgate: the comment was not written: GitHub answered {failure.code} {failure.reason}")
        if failure.code in FORBIDDEN:
            print("evalgate: it takes `permissions: {pull-requests: write}`; a fork's pull request never has them")
            return 0
        return 1
    except (urllib.error.URLError, TimeoutError) as failure:
        print(f"evalgate: the comment was not written: {failure}")
        return 1
    return 0


def _own(comments: str) -> int | None:
    """The id of our comment: one with the marker that a bot wrote, for anybody may paste the marker."""
    for page in range(1, MOST_PAGES + 1):
        found = _call("GET", f"{comments}?per_page={PAGE}&page={page}")
        for each in found:
            if str(each.get("body", "")).startswith(MARKER) and each.get("user", {}).get("type") == "Bot":
                return int(each["id"])
        if len(found) < PAGE:
            break
    return None


def _call(method: str, path: str, body: str | None = None):  # noqa: ANN202  # whatever GitHub answers
    request = urllib.request.Request(  # noqa: S310  # the runner says which API it is
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + path,
        data=None if body is None else json.dumps({"body": body}).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "evalgate",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
