"""`evalgate init [FOLDER]`: the first catalogue, suite and CI job, from flags, questions, or what other tools wrote."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH

if TYPE_CHECKING:
    from evalgate.cli.init_who import Everybody
    from evalgate.starting.draft import Draft
    from evalgate.starting.project import Project

SHOWN_UNSAID = 10
NOT_COMMITTED = (".evalgate/", "signal.key")  # what was bought, and what signs


@click.command("init")
@click.argument("folder", type=PATH, default=".")
@click.option("--model", metavar="ID", help="What is asked for, such as meta-llama/llama-3.1-70b-instruct.")
@click.option("--baseline", metavar="URL[,…]", help="The full-precision endpoint. With --catalog: its id.")
@click.option("--variant", "variants", multiple=True, metavar="URL[,…]", help="A cheaper one (may be repeated).")
@click.option("--operation", metavar="NAME", help="What production calls are tagged with; default: classify_ticket.")
@click.option("--catalog", "catalog_path", type=PATH, metavar="FILE", help="Use this catalogue, and write none.")
@click.option("--from-endpoint", metavar="URL[,…]", help="The baseline, asked for its models (GET URL/models).")
@click.option("--from-promptfoo", type=PATH, metavar="FILE", help="Suites of a promptfooconfig.yaml, or its results.")
@click.option("--from-log", type=PATH, metavar="FILE", help="A suite of a log of Inspect or lm-evaluation-harness.")
@click.option("--from-suite", type=PATH, metavar="FILE", help="A copy of a suite, for your model (or its folder).")
@click.option("--cases", "cases_path", type=PATH, metavar="FILE", help="Your cases: JSONL, CSV or Parquet.")
@click.option("--prompt", metavar="TEXT", help="What is asked of each of --cases; default: {{ input }}.")
@click.option("--prompt-number", type=click.IntRange(min=1), metavar="N", help="Which of several promptfoo prompts.")
@click.option("--judge", metavar="URL[,…]", help="Who is asked about promptfoo's rubrics. With --catalog: its id.")
@click.option("--grader", "graders", multiple=True, metavar="NAME", help="What is asserted; default: exact.")
@click.option(
    "--margin", type=click.FloatRange(1e-5, 1, max_open=True), help="How much worse is as good; default: .05."
)
@click.option("--workflow/--no-workflow", default=None, help="A GitHub job; default: unless an endpoint is local.")
def command(
    folder: Path,
    model: str | None,
    baseline: str | None,
    variants: tuple[str, ...],
    operation: str | None,
    catalog_path: Path | None,
    from_endpoint: str | None,
    from_promptfoo: Path | None,
    from_log: Path | None,
    from_suite: Path | None,
    cases_path: Path | None,
    prompt: str | None,
    prompt_number: int | None,
    judge: str | None,
    graders: tuple[str, ...],
    margin: float | None,
    workflow: bool | None,
) -> int:
    """Write catalog.yaml, a suite with its cases, and a GitHub job into FOLDER; default: here.

    Nothing is overwritten, and nothing is written that does not load. Without options, in a terminal, it asks.

    \b
    evalgate init --model llama-3.1-70b \\
      --baseline https://api.acme.example/v1,key=ACME_KEY,price=0.9/0.9 \\
      --variant https://llm.budget.example/v1,key=BUDGET_KEY,precision=fp8

    key= is the name of the environment variable, never the key; as= the model's name there; precision= what is said of
    it; price= USD per 1M tokens of input and output; id= what it is to be called. A variant without an address is at
    the baseline's.
    """
    from evalgate.cli.init_who import Said, who_is_asked
    from evalgate.starting.sources import Wanted, drafts_of

    what = Wanted(
        operation,
        from_promptfoo,
        from_log,
        from_suite,
        cases_path,
        prompt,
        prompt_number,
        graders,
        margin,
        judge is not None,
    )
    who = Said(model, baseline, variants, catalog_path, from_endpoint, judge)
    if not who.anything and sys.stdin.isatty() and sys.stderr.isatty():
        from evalgate.cli.init_questions import asked

        who, what = asked(what)
    what.require_sense()
    everybody = who_is_asked(who)
    drafts = drafts_of(what, everybody.judge)
    written = _project(folder, everybody, drafts, catalog_path, workflow=workflow).write()
    for name in written:
        click.echo(f"wrote {folder / name}")
    if ".gitignore" not in written:
        _tell_of_git(folder)
    _tell(drafts, from_promptfoo or from_log)
    _next(folder, everybody, drafts, catalog_path)
    return 0


def _project(
    folder: Path, who: Everybody, drafts: Sequence[Draft], catalog_path: Path | None, *, workflow: bool | None
) -> Project:
    from evalgate.cli.schema import schema_text
    from evalgate.starting.project import CATALOG, WORKFLOW, Project
    from evalgate.starting.texts import cases_text, catalog_text, suite_text, workflow_text

    kept = {f"schemas/{name}.schema.json": schema_text(name).encode() for name in ("suite", "catalog")}
    kept[".gitignore"] = "".join(f"{name}\n" for name in NOT_COMMITTED).encode()
    contents: dict[str, bytes] = {}
    for draft in drafts:
        for name, data in draft.files.items():
            place = f"suites/{name}"
            in_place = draft.source is not None and _same(draft.source, folder / place)
            (kept if in_place else contents)[place] = data
        if draft.cases is None and draft.copied is None:
            contents[f"suites/{draft.name}.jsonl"] = cases_text(draft.rows)
        contents[f"suites/{draft.file}"] = suite_text(draft, who.model, who.baseline).encode()
    suites = [f"suites/{draft.file}" for draft in drafts]
    if who.roster is not None:
        contents[CATALOG] = catalog_text(who.roster).encode()
    if workflow if workflow is not None else who.roster is not None and not who.roster.is_local:
        contents[WORKFLOW] = workflow_text(who.roster.keys if who.roster else []).encode()
    return Project(folder, contents, suites, kept, catalog_path)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.resolve() == other.resolve()


def _tell(drafts: Sequence[Draft], source: Path | None) -> None:
    """What was lost on the way, on stderr: each once, and how much in all."""
    from evalgate.cli.tell import tell
    from evalgate.report.wording import safe

    for remark in dict.fromkeys(remark for draft in drafts for remark in draft.told):
        tell(f"evalgate: {safe(remark, 500)}")
    lost = [each for draft in drafts for each in draft.everything_unsaid]
    for each in lost[:SHOWN_UNSAID]:
        tell(f"evalgate: {safe(each.line, 300)}")
    if lost:
        more = f"… and {len(lost) - SHOWN_UNSAID} more; " if len(lost) > SHOWN_UNSAID else ""
        things = "thing" if len(lost) == 1 else "things"
        lines = f"{len(lost)} {things} of {source} cannot be said in a suite, or not in the same way"
        tell(f"evalgate: {more}{lines}: see the comments in it")


def _tell_of_git(folder: Path) -> None:
    """Somebody's own list of what git leaves out is not touched."""
    from evalgate.cli.tell import tell

    there = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    if missing := [name for name in NOT_COMMITTED if name not in there and name.rstrip("/") not in there]:
        tell(f"evalgate: {folder / '.gitignore'} is yours, and stays; add to it: {' '.join(missing)}")


def _next(folder: Path, who: Everybody, drafts: Sequence[Draft], catalog_path: Path | None) -> None:
    """The commands that come next, to be copied."""
    steps = [f"cd {shlex.quote(str(folder))}"] if folder != Path() else []
    if who.roster is not None and who.roster.keys:
        steps.append("export " + " ".join(f"{key}=…" for key in who.roster.keys))
    where = f" --catalog {shlex.quote(str(catalog_path.absolute()))}" if catalog_path is not None else ""
    first = f"suites/{drafts[0].file}"
    if any(row.get("metadata", {}).get("placeholder") for row in drafts[0].rows[:1]):
        steps.append(f"evalgate run {first} --variant {who.baseline}{where}   # tries it on the examples: no verdict")
        steps.append(f"# put your own cases into suites/{drafts[0].name}.jsonl, then")
    which = f" {first}" if drafts[0].copied is not None else ""
    steps += [f"evalgate plan{which}{where}", f"evalgate check{which}{where}"]
    click.echo("next:")
    for step in steps:
        click.echo(f"  {step}")
