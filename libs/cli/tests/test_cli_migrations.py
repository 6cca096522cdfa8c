"""billing migrate against a server that answers like the edge: what it asks, shows and ends with."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from billing_cli.errors import CliError
from billing_cli.main import commands
from billing_cli.migration_commands import Settle, When, body_of, carried_out, summary, tell, totals_of
from billing_cli.rest import RestClient
from typer.testing import CliRunner

MIGRATION = {
    "migration_id": "mig_1",
    "state": "MIGRATION_STATE_COMPLETE",
    "total": "1200",
    "processed": "1200",
    "migrated": "1100",
    "skipped": "60",
    "refused": "40",
    "totals": [
        {"charges": {"currency_code": "EUR", "amount_minor": "110000"}, "credits": {"currency_code": "EUR"}},
        {
            "charges": {"currency_code": "JPY", "amount_minor": "5000"},
            "credits": {"currency_code": "JPY", "amount_minor": "-1200"},
        },
    ],
}


RUNNING = {**MIGRATION, "state": "MIGRATION_STATE_RUNNING", "processed": "500", "migrated": "400", "refused": "0"}
REFUSED = [{"reason": "CURRENCY_MISMATCH"}] * 39 + [{"reason": "RENEWALS_BEHIND"}]


class Edge:
    """A migration that runs for two looks. Remembers what it was asked: method, path, body."""

    def __init__(self):
        self.asked = []

    def answer(self, method, path, body):
        self.asked.append((method, path, body))
        if "/results" in path:
            return {"results": REFUSED}
        return {"migration": RUNNING if len(self.asked) < 3 else MIGRATION}


@pytest.fixture
def edge():
    return Edge()


@pytest.fixture
def url(edge):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            content = json.dumps(edge.answer(self.command, self.path, sent)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def test_the_request_leaves_open_what_was_not_said():
    body = body_of(["pv_1", "pv_2"], "pv_3", None, None, "", True)
    assert body == {
        "from_plan_version_ids": ["pv_1", "pv_2"],
        "to_plan_version_id": "pv_3",
        "reason": "",
        "dry_run": True,
    }


def test_the_request_names_the_rules_that_were_said():
    body = body_of(["pv_1"], "pv_3", When.PERIOD_END, Settle.NO_CREDIT, "new prices", False)
    assert (body["when"], body["settlement"]) == ("CHANGE_WHEN_PERIOD_END", "SETTLEMENT_NO_CREDIT")
    assert body["reason"] == "new prices"


def test_a_migration_is_summed_up_in_a_line():
    assert summary(MIGRATION) == ("mig_1 complete: 1,200 of 1,200; 1,100 migrated, 0 scheduled, 60 skipped, 40 refused")
    assert summary({**MIGRATION, "dry_run": True}).startswith("mig_1 complete, dry run: ")


def test_money_is_shown_by_currency():
    assert totals_of(MIGRATION) == [
        ("1100.00 EUR", "0.00 EUR", "1100.00 EUR"),
        ("5000 JPY", "-1200 JPY", "3800 JPY"),
    ]


async def test_a_watched_migration_is_followed_to_its_end(edge, url):
    found, reasons = await carried_out(RestClient(url, "secret"), {"dry_run": False}, watch=True)
    assert found == MIGRATION
    assert reasons == {"CURRENCY_MISMATCH": 39, "RENEWALS_BEHIND": 1}
    look = ("GET", "/v1/migrations/mig_1", b"")
    assert edge.asked[0][:2] == ("POST", "/v1/migrations")
    assert json.loads(edge.asked[0][2]) == {"dry_run": False}
    assert edge.asked[1:-1] == [look, look]
    assert edge.asked[-1][1].startswith("/v1/migrations/mig_1/results?outcome=MIGRATION_OUTCOME_REFUSED")


async def test_an_unwatched_migration_answers_at_once(edge, url):
    found, reasons = await carried_out(RestClient(url, "secret"), {}, watch=False)
    assert (found, reasons) == (RUNNING, {})
    assert len(edge.asked) == 1


def test_reasons_are_told_with_where_to_read_on(capsys):
    tell(MIGRATION, {"CURRENCY_MISMATCH": 39})
    told = capsys.readouterr()
    assert "39  CURRENCY_MISMATCH" in told.err
    assert "GET /v1/migrations/mig_1/results?outcome=MIGRATION_OUTCOME_REFUSED" in told.err
    assert "3800 JPY" in told.out


def test_without_a_stack_it_says_so(tmp_path):
    found = CliRunner().invoke(commands, ["migrate", "pv_1", "pv_2", "--dir", str(tmp_path)])
    assert isinstance(found.exception, CliError)
    assert "no stack is up" in str(found.exception)


def test_an_unknown_time_is_wrong_usage():
    found = CliRunner().invoke(commands, ["migrate", "pv_1", "pv_2", "--when", "soon"])
    assert found.exit_code == 2
    assert "period-end" in found.output
