"""The commands: refusals in words, exit codes, and what they print; no stack is started."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from billing_cli import console
from billing_cli.billing_commands import summary
from billing_cli.errors import BadArgument, CliError
from billing_cli.main import commands
from billing_cli.mesh import Mesh, customer_claim, service_spec, tenant_of
from billing_cli.options import instant_of, rfc3339
from billing_cli.rest import RestError
from billing_cli.stack_commands import tail
from billing_cli.stack_view import download_of, paste_lines, plain_line, stack_table
from billing_cli.starting import Screen
from billing_devstack import keys
from billing_devstack.environment import External
from billing_devstack.layout import Layout
from billing_devstack.parts import DataParts
from billing_devstack.process import Identity
from billing_devstack.state import Board, PartStatus, StackStatus
from rich.console import Console
from typer.testing import CliRunner

TENANT = UUID("0193b3a0-0000-7000-8000-000000000001")
CUSTOMER = "cus_01m82y99q9fqyvnydbd6jphrkb"


def run(*arguments):
    return CliRunner().invoke(commands, list(arguments))


def test_status_of_nothing_is_exit_code_three(tmp_path):
    found = run("status", "--dir", str(tmp_path))
    assert found.exit_code == 3
    as_json = run("status", "--json", "--dir", str(tmp_path))
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout)["phase"] == "down"


@pytest.mark.parametrize(
    "words",
    [
        ["token"],
        ["tenant", "create"],
        ["run", "--as-of", "2025-09-01"],
        ["pdf", "inv_1"],
        ["invariants"],
        ["dead-letters", "list", "usage"],
        ["dead-letters", "replay", "usage"],
    ],
)
def test_commands_that_need_a_stack_say_so(words, tmp_path):
    found = run(*words, "--dir", str(tmp_path))
    assert isinstance(found.exception, CliError)
    assert "no stack is up" in str(found.exception)
    assert "billing up" in found.exception.hint


def test_a_refusal_is_one_red_line_without_traceback(tmp_path):
    argv = [sys.executable, "-m", "billing_cli.main", "token", "--dir", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: no stack is up in")
    assert "Traceback" not in done.stderr


def test_down_of_nothing_is_no_error(tmp_path):
    assert run("down", "--dir", str(tmp_path / "none")).exit_code == 0


def test_logs_names_the_parts_it_has(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "usage.log").write_text("one\ntwo\nthree\n")
    refused = run("logs", "nope", "--dir", str(tmp_path))
    assert isinstance(refused.exception, BadArgument)
    assert refused.exception.hint == "logs: usage"


@pytest.mark.parametrize(("lines", "expected"), [(0, []), (2, ["two", "three"]), (9, ["one", "two", "three"])])
def test_tail(lines, expected, tmp_path):
    log = tmp_path / "usage.log"
    log.write_text("one\ntwo\nthree\n")
    assert tail(log, lines) == expected


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-09-01", datetime(2025, 9, 1, tzinfo=UTC)),
        ("2025-09-01T02:00:00+02:00", datetime(2025, 9, 1, tzinfo=UTC)),
        ("2025-09-01T00:00:00Z", datetime(2025, 9, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_and_written(text, instant):
    assert instant_of(text) == instant
    assert rfc3339(instant_of(text)) == "2025-09-01T00:00:00Z"


@pytest.mark.parametrize(
    ("read", "text"), [(instant_of, "soon"), (tenant_of, "acme"), (customer_claim, "cus_x"), (service_spec, "mail")]
)
def test_bad_arguments_are_refused_in_words(read, text):
    with pytest.raises(BadArgument, match=text):
        read(text)


def status(*parts):
    urls = {"rest": "http://127.0.0.1:8080", "grpc.subscriptions": "127.0.0.1:50051"}
    return StackStatus("up", Identity(1, "now"), parts, urls)


@pytest.fixture
def mesh(tmp_path):
    keys.ensure(tmp_path / "keys")
    return Mesh(Layout(tmp_path), status())


def test_a_tenant_is_remembered(mesh):
    made = mesh.new_tenant()
    assert mesh.tenant(None) == made
    assert mesh.tenant(str(TENANT)) == TENANT
    assert mesh.new_tenant() != made


def test_the_first_command_makes_a_tenant(mesh):
    assert mesh.tenant(None) == mesh.tenant(None)


@pytest.mark.parametrize(
    ("role", "customer"), [("customer", None), ("billing_admin", CUSTOMER), ("customer", "cus_x"), ("root", None)]
)
def test_wrong_tokens_are_not_made(role, customer, mesh):
    with pytest.raises(BadArgument):
        mesh.token(TENANT, role, customer)


def test_a_customers_token_is_made(mesh):
    assert mesh.token(TENANT, "customer", CUSTOMER).count(".") == 2


def test_the_table_shows_parts_ports_health_and_what_moved(tmp_path):
    parts = (
        PartStatus("kafka", 9092, 9092, 7, "ready", 0, str(tmp_path / "logs" / "kafka.log"), "lite broker"),
        PartStatus("usage.metrics", 51052, 51052),
        PartStatus("edge", 8123, 8080, 9, "restarting", 2),
    )
    out = Console(record=True, width=120, file=io.StringIO(), highlight=False)
    out.print(stack_table(status(*parts), tmp_path))
    lines = [" ".join(line.split()) for line in out.export_text().splitlines()]
    assert "billing stack up" in lines
    edge, kafka = lines[-3:-1] if not lines[-1] else lines[-2:]
    assert edge == "edge 8123 restarting 9 port 8080 is taken; started again 2 times"
    assert kafka == "kafka 9092 ready 7 logs/kafka.log lite broker"
    assert not any("metrics" in line for line in lines)


def test_without_a_terminal_each_change_is_a_line():
    assert plain_line(PartStatus("usage", 50052, 50052, 0, "waiting", note="migrating")) == (
        "usage 50052 waiting migrating"
    )


def downloading(tmp_path, done):
    """A part as the supervisor notes it."""
    board = Board(tmp_path / "state.json", Identity(1, "now"), lambda part: None)
    DataParts(Layout(tmp_path), board, {}, External())._progress(None)(done * 1_000_000, 110_000_000)
    return board.status().part("kafka")


def test_the_first_download_is_a_bar_or_a_line_every_tenth(tmp_path):
    part = downloading(tmp_path, 57)
    assert download_of([part]) == (57, 110)
    assert plain_line(part) == "kafka waiting downloading, 50 % of 110 MB"
    out = Console(record=True, width=120, file=io.StringIO(), highlight=False)
    out.print(Screen(tmp_path).drawing(status(part)))
    assert "57.0/110.0 MB" in out.export_text()
    assert download_of([PartStatus("kafka", note="lite broker")]) is None


def test_paste_lines_fit_the_stack():
    lines = paste_lines({"rest": "http://127.0.0.1:8080", "grpc.subscriptions": "127.0.0.1:50051"}, TENANT, "abc")
    assert lines.splitlines()[0] == "TOKEN=abc"
    assert 'curl -s http://127.0.0.1:8080/v1/customers -H "authorization: Bearer $TOKEN"' in lines
    assert "grpcurl -plaintext 127.0.0.1:50051 list" in lines
    assert paste_lines({}, TENANT, "abc") == "TOKEN=abc"


def test_a_run_is_summed_up_in_a_line():
    run_ = {"run_id": "run_1", "state": "BILLING_RUN_STATE_COMPLETE", "published": "3", "settled": "3", "invoices": "2"}
    assert summary(run_) == "run_1 complete: 3 published, 3 settled, 0 parked, 2 invoices"


def test_complaints_do_not_read_markup_into_texts(capsys):
    console.complain(CliError("[bold]x[/nope]", "y: [1, 2]"))
    assert "[bold]x[/nope]" in capsys.readouterr().err


def test_rest_errors_are_told_like_others():
    assert issubclass(RestError, CliError)


def test_the_command_is_installed_where_the_makefile_looks():
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    for name in ("up --detach", "down", "demo"):
        assert f"$(BIN)/billing {name}" in makefile
