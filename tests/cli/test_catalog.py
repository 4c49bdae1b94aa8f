"""`evalgate catalog` and `evalgate intelligence` as somebody at a terminal uses them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evalgate.catalog import load_catalog
from evalgate.cli import command
from evalgate.cli.catalog.importing import key_for
from evalgate.errors import EvalgateError, InfrastructureError, InputError
from tests.conftest import pointed_at
from tests.integrations.test_openrouter_endpoints import FP8, document

MODEL = "meta-llama/llama-3.1-70b-instruct"
VARIANT = "llama-3.1-70b-instruct@deepinfra/fp8"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)


def listed(folder: Path, prompt: str = "0.00000023", **changes: Any) -> Path:
    path = folder / "endpoints.json"
    pricing = {**FP8["pricing"], "prompt": prompt}
    path.write_text(json.dumps(document({**FP8, "pricing": pricing, **changes}, {**FP8, "tag": None})))
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A catalogue that an import made and a person wrote in."""
    path = tmp_path / "catalog.yaml"
    run("catalog", "import", "openrouter", listed(tmp_path), "--into", path)
    text = path.read_text().replace(f"  - id: {VARIANT}\n", f"  # ours\n  - id: {VARIANT}   # contract until May\n")
    path.write_text(text.replace("    quantization: fp8\n", "    quantization: bf16   # they told us\n"))
    return path


def test_an_import_makes_a_catalogue_and_says_what_it_left_out(tmp_path: Path) -> None:
    output = tmp_path / "catalog.yaml"
    done = run("catalog", "import", "openrouter", listed(tmp_path), "--output", output)
    assert f"left out {MODEL} endpoint 2: no tag" in done.stderr
    assert load_catalog(output).endpoints(MODEL)[VARIANT].variant.tag == "deepinfra/fp8"
    with pytest.raises(EvalgateError, match="there is a file already; --into"):
        run("catalog", "import", "openrouter", listed(tmp_path), "--output", output)


def test_a_new_provider_is_told_with_the_key_that_it_will_be_sent(tmp_path: Path) -> None:
    done = run("catalog", "import", "openrouter", listed(tmp_path))
    assert "new provider openrouter at openrouter, and is sent the key in OPENROUTER_API_KEY" in done.stderr


def test_merging_updates_the_price_keeps_the_person_and_tells_both_sides(made: Path) -> None:
    done = run("catalog", "import", "openrouter", listed(made.parent, "0.0000005"), "--into", made)
    assert done.exit_code == 0
    assert f"updated {VARIANT}#price: $0.23/$0.4 → $0.5/$0.4" in done.stderr
    assert f"kept {VARIANT}#quantization: yours is bf16, openrouter has fp8" in done.stderr
    text = made.read_text()
    assert f"  # ours\n  - id: {VARIANT}   # contract until May\n" in text
    assert "    quantization: bf16   # they told us\n" in text
    assert "      input: 0.5\n" in text


def test_the_same_import_again_writes_nothing(made: Path) -> None:
    arguments = ("catalog", "import", "openrouter", listed(made.parent), "--into", made)
    run(*arguments)
    before = made.stat().st_mtime_ns
    run(*arguments)
    assert made.stat().st_mtime_ns == before


def test_a_dry_run_shows_the_difference_and_writes_nothing(made: Path) -> None:
    before = made.read_text()
    done = run("catalog", "import", "openrouter", listed(made.parent, "0.0000005"), "--into", made, "--dry-run")
    assert "-      input: 0.23\n+      input: 0.5\n" in done.stdout
    assert made.read_text() == before


def test_overwrite_takes_the_sources_value_and_refuses_a_name_that_is_no_conflict(made: Path) -> None:
    arguments = ("catalog", "import", "openrouter", listed(made.parent), "--into", made, "--overwrite")
    with pytest.raises(InputError, match="no such conflict"):
        run(*arguments, f"{VARIANT}#tag")
    run(*arguments, f"{VARIANT}#quantization")
    assert "    quantization: fp8   # they told us\n" in made.read_text()


def test_a_broken_catalogue_is_not_merged_into(made: Path) -> None:
    made.write_text(made.read_text().replace("input: 0.23", "input: free"))
    before = made.read_text()
    with pytest.raises(InputError, match=r"catalog.yaml:\d+:\d+ models.0.variants.0.price.input: ") as caught:
        run("catalog", "import", "openrouter", listed(made.parent), "--into", made)
    assert pointed_at(str(caught.value), made.parent) == "input: free"
    assert made.read_text() == before


def test_a_name_that_would_command_the_terminal_is_made_visible(tmp_path: Path) -> None:
    source = tmp_path / "endpoints.json"
    source.write_text(json.dumps(document(FP8, {**FP8, "tag": "\x1b[2Jdeep"})))
    done = run("catalog", "import", "openrouter", source)
    assert "\x1b" not in done.stderr
    assert "␛[2Jdeep: a catalogue cannot hold its id" in done.stderr


@pytest.fixture
def address() -> Iterator[str]:
    """A server that has a list of endpoints at /good, and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document(FP8)).encode()
            self.send_response(200 if self.path == "/good" else 500)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_source_behind_a_url_is_fetched(address: str) -> None:
    assert f"id: {VARIANT}" in run("catalog", "import", "openrouter", f"http://{address}/good").stdout


def test_an_error_of_a_url_tells_nothing_that_is_secret_in_it(address: str) -> None:
    with pytest.raises(InfrastructureError, match=f"^http://{address}/bad: HTTP 500") as caught:
        run("catalog", "import", "openrouter", f"http://me:sk-secret@{address}/bad?key=sk-secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://openrouter.ai/api/v1/models/a/b/endpoints", "sk"),
        ("http://openrouter.ai/api/v1/models/a/b/endpoints", None),
        ("https://openrouter.ai.evil.example/api/v1/models", None),
        ("https://openrouter.ai/api/v1@evil.example/models", None),
        ("list.json", None),
    ],
)
def test_the_key_of_openrouter_is_sent_to_openrouter_alone(address: str, key: str | None) -> None:
    assert key_for(address, {"OPENROUTER_API_KEY": "sk"}) == key


def test_another_catalogue_is_merged_without_its_baselines(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    done = run("catalog", "import", made, "--into", other)
    assert f"added {VARIANT}" in done.stderr
    assert load_catalog(other).endpoints(MODEL)[VARIANT].quantization.label == "bf16"
    again = run("catalog", "import", made, "--into", other)
    assert "added" not in again.stderr


def test_show_has_the_day_of_each_price_and_what_was_observed_with_its_age(made: Path) -> None:
    done = run("catalog", "show", "--catalog", made)
    assert "first token p50 312 ms, 42 tokens/s, up 99.5 % (openrouter, n not told, 0 h old)" in done.stdout.replace(
        "\n", " "
    )


REPORT = """\
reports:
- {model: m, benchmark: gpqa, score: 50, date: '2026-01-01', measured_by: lab, source: 'https://example.org/r'}
"""


@pytest.fixture
def filed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a report to file and a catalogue of one model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.yaml").write_text(REPORT)
    variant = "{id: v, provider: p, quantization: fp8, price: {input: 1, output: 1}}"
    text = f"providers: [{{id: p, base_url: 'http://x/v1'}}]\nmodels: [{{id: m, variants: [{variant}]}}]\n"
    (tmp_path / "catalog.yaml").write_text(text)
    return tmp_path


def test_a_report_is_added_to_the_collection_and_stands_on_the_board(filed: Path) -> None:
    run("intelligence", "add", "report.yaml")
    assert "m  " in (board := run("intelligence").stdout)
    assert "50.0" in board
    assert "https://example.org/r" in run("intelligence", "m").stdout


def test_comments_in_the_collection_stay_when_a_report_is_added(filed: Path) -> None:
    collection = filed / "intelligence.yaml"
    collection.write_text("# ours\n" + REPORT.replace("gpqa", "mmlu_pro") + "# the end\n")
    run("intelligence", "add", "report.yaml")
    assert collection.read_text().startswith("# ours\nreports:\n- {model: m, benchmark: mmlu_pro")
    assert collection.read_text().endswith("# the end\n")
    assert collection.read_text().count("benchmark:") == 2


@pytest.mark.parametrize(
    ("score", "told"), [("50", "already in the collection"), ("51", "51 contradicts the collection")]
)
def test_a_report_that_is_there_already_is_refused_by_name(filed: Path, score: str, told: str) -> None:
    run("intelligence", "add", "report.yaml")
    before = (filed / "intelligence.yaml").read_text()
    (filed / "report.yaml").write_text(REPORT.replace("score: 50", f"score: {score}"))
    with pytest.raises(InputError, match=rf"gpqa of m by lab, 2026-01-01: {told}"):
        run("intelligence", "add", "report.yaml")
    assert (filed / "intelligence.yaml").read_text() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("score: 50", "score: 0.5"), "report.yaml:2:31 reports.0.score: expected percent"),
        (("score: 50", "score: 101"), "report.yaml:2:31 reports.0.score: input should be less"),
        (("gpqa", "gqpa"), "report.yaml:2:14 reports.0.benchmark: "),
        (("https", "see: our"), "report.yaml:2:80 reports.0.source: "),
        (("2026-01-01", "20260101"), "report.yaml:2:42 reports.0.date: expected a day such as 2026-11-30"),
        (("model: m,", ""), "report.yaml:2:3 reports.0.model: missing"),
    ],
)
def test_a_report_that_is_wrong_is_refused_with_its_line(filed: Path, change: tuple[str, str], told: str) -> None:
    (filed / "report.yaml").write_text(REPORT.replace(*change))
    with pytest.raises(InputError) as caught:
        run("intelligence", "add", "report.yaml")
    assert str(caught.value).startswith(told)


def test_an_import_replaces_what_an_import_wrote_and_no_file_of_a_person(filed: Path) -> None:
    row = {"benchmark": "gpqa-diamond", "model_permaslug": "m", "accuracy": 0.6, "total_tasks": 198}
    (filed / "export.json").write_text(json.dumps({"snapshot_date": "2026-11-28", "rows": [row]}))
    for _ in range(2):
        run("intelligence", "import", "export.json")
    assert "60.0" in run("intelligence", "m", "--json", "-").stdout
    with pytest.raises(InputError, match="was not written by an import"):
        run("intelligence", "import", "export.json", "--output", "report.yaml")


def test_asked_is_only_what_was_named(filed: Path) -> None:
    with pytest.raises(InputError, match="no model 'n'"):
        run("intelligence", "n")
