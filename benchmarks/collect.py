"""Measures what collecting costs: evalgate beside bare aiohttp, and beside other evaluation tools that are installed.

    python benchmarks/collect.py                        all tables, about five minutes on two cores
    python benchmarks/collect.py --quick                fewer rounds
    python benchmarks/collect.py --only faults big
    python benchmarks/collect.py --peers FOLDER…        folders to look in for inspect, lm_eval and promptfoo

Every figure is of a whole process: start-up, suite, store and shutdown included; CPU is user + system time. The tools
of a table take turns against a fresh mock server (`mock.py`), and the table shows medians. Wall time says little on a
machine that does other work; the ratio of CPU seconds to those of bare aiohttp says most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from benchmarks.mock import FAULTS, KEY, Mock, items, write_house  # noqa: E402

CONCURRENCY = 64
EVALGATE = [sys.executable, "-m", "evalgate", "run", "suite.yaml", "--variant", "full", "--quiet"]


@dataclass(frozen=True)
class Tool:
    """A command; `{url}`, `{items}` and `{out}` are filled in."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # written into the working folder first


@dataclass(frozen=True)
class Ran:
    """One run of a whole process, and what the server saw of it."""

    code: int
    wall: float  # seconds
    cpu: float  # seconds
    peak: float  # MiB
    requests: int
    answered: int
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    parser.add_argument(
        "--only", nargs="+", choices=TABLES, default=list(TABLES), metavar="TABLE", help=str(list(TABLES))
    )
    parser.add_argument(
        "--peers", nargs="*", type=Path, default=[], metavar="FOLDER", help="bin folders of other tools"
    )
    asked = parser.parse_args()
    os.environ["PATH"] = os.pathsep.join([*map(str, asked.peers), os.environ["PATH"]])
    with tempfile.TemporaryDirectory(prefix="evalgate-bench-") as folder:
        for name in asked.only:
            TABLES[name](Path(folder), 1 if asked.quick else 5)


def calls(folder: Path, rounds: int) -> None:
    """5000 calls at 0 and at 50 ms, concurrency 64; peers get 1000, for some would take minutes."""
    for latency in 0, 50:
        tools = {"bare aiohttp": BARE, "evalgate": Tool([*EVALGATE, "--store", "{out}/e.db"])}
        runs = take_turns(folder, tools, 5000, rounds, ["--latency-ms", str(latency)])
        table(f"5000 calls, {latency} ms, concurrency {CONCURRENCY}", runs, "bare aiohttp")
    if peers := dict(installed_peers()):
        tools = {"bare aiohttp": BARE, "evalgate": Tool([*EVALGATE, "--store", "{out}/e.db"]), **peers}
        table(f"1000 calls, 0 ms, concurrency {CONCURRENCY}", take_turns(folder, tools, 1000, rounds), "bare aiohttp")


def cached(folder: Path, rounds: int) -> None:
    """The same 5000 questions again: nothing is asked. And the time until the first line of help."""
    again = Tool([*EVALGATE, "--store", str(folder / "known.db")])
    with Mock(folder) as mock:  # one server for all: another address is another configuration, and would be asked anew
        run(folder, again, 5000, mock)
        runs = []
        for _ in range(rounds):
            mock.reset()
            runs.append(run(folder, again, 5000, mock))
    table("5000 cases again, all known", {"evalgate": runs})
    table("start", take_turns(folder, {"--help": Tool([sys.executable, "-m", "evalgate", "--help"])}, 1, rounds))


def faults(folder: Path, rounds: int) -> None:
    """2 % 500, 2 % 429, 1 % each of reset, truncated body, invalid JSON and slow-loris; then one in 200 for ever."""
    tool = {"evalgate": Tool([*EVALGATE, "--store", "{out}/e.db"])}
    table(f"1000 calls, faults ({FAULTS})", take_turns(folder, tool, 1000, min(rounds, 2), FAULTS.split()), said=True)
    sticky = ["--sticky-p", ".01"]
    table("200 calls, about one in 200 fails for ever", take_turns(folder, tool, 200, 1, sticky), said=True)


def shared(folder: Path, rounds: int) -> None:
    """Two processes on one store; and a run that is killed after 2000 of 5000 answers, and then run again."""
    del rounds
    with Mock(folder, ["--latency-ms", "10"]) as mock:
        write_house(folder, 5000, mock.url)
        store = ["--store", str(folder / "two.db")]
        both = [
            subprocess.Popen([*EVALGATE, *store], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [process.communicate()[0] for process in both]
        print(f"\n## two processes, one store, 5000 cases: {mock.stats()['requests']} requests in all")
        print("\n".join(each.strip() for each in said))
        mock.reset()
        store = ["--store", str(folder / "killed.db")]
        with subprocess.Popen([*EVALGATE, *store], cwd=folder, env=environment(), stdout=subprocess.DEVNULL) as process:
            while mock.stats()["ok_unique"] < 2000:
                time.sleep(0.01)
            process.kill()
        before = mock.stats()["requests"]
        subprocess.run([*EVALGATE, *store], cwd=folder, env=environment(), stdout=subprocess.DEVNULL, check=True)
        again = mock.stats()["requests"] - 5000
        print(f"\n## kill -9 after {before} of 5000 requests, run again: {again} requests more than 5000 in all")


def big(folder: Path, rounds: int) -> None:
    """Memory does not grow with the suite: 5000, 20,000 and 100,000 cases."""
    del rounds
    runs = {}
    for count in 5000, 20_000, 100_000:
        tool = {f"{count:,} cases": Tool([*EVALGATE, "--store", "{out}/e.db"])}
        runs |= take_turns(folder, tool, count, 1)
    table("one run, 0 ms", runs)


def take_turns(
    folder: Path, tools: Mapping[str, Tool], count: int, rounds: int, options: Sequence[str] = ()
) -> dict[str, list[Ran]]:
    """Run each tool in each round, in turn, against a mock of its own."""
    runs: dict[str, list[Ran]] = {name: [] for name in tools}
    for number in range(rounds):
        for name in tools if number % 2 == 0 else reversed(tools):
            with Mock(folder, options) as mock:
                runs[name].append(run(folder, tools[name], count, mock))
    return runs


def run(folder: Path, tool: Tool, count: int, mock: Mock) -> Ran:
    write_house(folder, count, mock.url)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    names = {"url": mock.url, "items": str(folder / f"items-{count}.jsonl"), "out": str(out)}
    with (out / "tests.jsonl").open("w", encoding="utf-8") as tests:  # as promptfoo wants to have them
        for item in items(count):
            test = {"vars": {"input": item["input"]}, "assert": [{"type": "equals", "value": item["target"]}]}
            tests.write(json.dumps(test) + "\n")
    for name, text in tool.files.items():
        (out / name).write_text(filled(text, names), encoding="utf-8")
    command = [filled(word, names) for word in tool.command]
    variables = environment() | {name: filled(value, names) for name, value in tool.environment.items()}
    with (out / "said").open("wb") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=said, stderr=said, stdin=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    seen = mock.stats()
    text = (out / "said").read_text(encoding="utf-8", errors="replace")
    cpu = used.ru_utime + used.ru_stime
    return Ran(process.returncode, wall, cpu, used.ru_maxrss / 1024, seen["requests"], seen["ok_unique"], text)


def table(title: str, runs: Mapping[str, Sequence[Ran]], base: str | None = None, *, said: bool = False) -> None:
    print(f"\n## {title}\n")
    print("| | wall s | answers/s | CPU s | CPU s/1000 | peak MiB | requests | answered | exit |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    floor = statistics.median(each.cpu for each in runs[base]) if base is not None else None
    for name, tries in runs.items():
        wall, cpu, peak = (statistics.median(getattr(each, key) for each in tries) for key in ("wall", "cpu", "peak"))
        one = tries[-1]
        per = f"{1000 * cpu / one.answered:.3f}" if one.answered else "–"
        times = f" ({cpu / floor:.2f} x)" if floor is not None and name != base else ""
        rate = f"{one.answered / wall:.0f}" if one.answered else "–"
        print(
            f"| {name} | {wall:.2f} | {rate} | {cpu:.2f}{times} | {per} | {peak:.0f} | {one.requests} | {one.answered} "
            f"| {one.code} |",
            flush=True,
        )
        if said:
            print("\n".join(f"    {line}" for line in one.said.strip().splitlines()))


def installed_peers() -> Iterator[tuple[str, Tool]]:
    """Other evaluation tools on the PATH, each doing the same job with its own means."""
    peers = HERE / "peers"
    connections = str(CONCURRENCY)
    if found := shutil.which("inspect"):
        command = [
            found,
            "eval",
            "out/task.py",  # it takes no path that begins at the root
            "--model",
            "openai-api/mock/mock-80",
            "--max-connections",
            connections,
        ]
        command += ["--max-samples", connections, "--display", "none", "--log-dir", "{out}/logs"]
        variables = {"BENCH_ITEMS": "{items}", "MOCK_API_KEY": KEY, "MOCK_BASE_URL": "{url}"}
        yield "inspect-ai", Tool(command, variables, {"task.py": (peers / "inspect_task.py").read_text()})
    if found := shutil.which("lm_eval"):
        arguments = "model=mock-80,base_url={url}/chat/completions,max_retries=3,tokenized_requests=False"
        command = [found, "run", "--model", "local-chat-completions", "--model_args"]
        command += [f"{arguments},num_concurrent={connections}", "--tasks", "bench_exact", "--include_path", "{out}"]
        command += ["--apply_chat_template", "--output_path", "{out}/results", "--log_samples"]
        variables = {"OPENAI_API_KEY": KEY, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": "{out}/hf"}
        task = (peers / "lm_eval.yaml").read_text().replace("__ITEMS__", "{items}")
        yield "lm-eval", Tool(command, variables, {"bench_exact.yaml": task})
    if found := shutil.which("promptfoo"):
        command = [found, "eval", "-c", "{out}/promptfoo.yaml", "--no-cache", "-j", connections, "--no-table"]
        command += ["--no-progress-bar", "--no-share", "-o", "{out}/results.json"]
        off = ("TELEMETRY", "UPDATE", "SHARING", "REMOTE_GENERATION")
        variables = {f"PROMPTFOO_DISABLE_{name}": "1" for name in off} | {"PROMPTFOO_CONFIG_DIR": "{out}/config"}
        task = (peers / "promptfoo.yaml").read_text().replace("__URL__", "{url}").replace("__MODEL__", "mock-80")
        files = {"promptfoo.yaml": task.replace("__TESTS__", "{out}/tests.jsonl")}
        yield "promptfoo", Tool(command, variables | {"OPENAI_API_KEY": KEY}, files)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"MOCK_KEY": KEY, "PYTHONPATH": str(HERE.parent)}  # compiled once, as it is for users


def filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


BARE = Tool([sys.executable, str(HERE / "bare_aiohttp.py"), "{items}", "{url}", "mock-80", str(CONCURRENCY), "{out}/o"])
TABLES: dict[str, Callable[[Path, int], None]] = {
    "calls": calls,
    "cached": cached,
    "faults": faults,
    "shared": shared,
    "big": big,
}

if __name__ == "__main__":
    main()
