"""billing import against a server that answers like the edge: what it sends, keeps, goes on with and reports."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from billing_cli.errors import CliError
from billing_cli.import_commands import imported, tell
from billing_cli.import_file import ImportFile
from billing_cli.main import commands
from billing_cli.rest import RestClient
from typer.testing import CliRunner


class Edge:
    """Imports what it does not know, refuses customers named bad. Dies after `calls` calls."""

    def __init__(self):
        self.known, self.sent, self.calls = set(), [], 1000

    def answer(self, body):
        self.sent.append(body)
        results = []
        for item in body["items"]:
            name = item["external_customer_id"]
            if name.startswith("bad"):
                error = {"reason": "PLAN_NOT_FOUND", "message": "no such plan", "field": "plan_code"}
                results.append({"outcome": "IMPORT_OUTCOME_REFUSED", "error": error})
                continue
            outcome = "EXISTING" if name in self.known else "IMPORTED"
            if not body["dry_run"]:
                self.known.add(name)
            results.append({"outcome": f"IMPORT_OUTCOME_{outcome}"})
        return {"results": results}


@pytest.fixture
def edge():
    return Edge()


@pytest.fixture
def url(edge):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fails = len(edge.sent) >= edge.calls
            content = json.dumps({"message": "gone"} if fails else edge.answer(body)).encode()
            self.send_response(500 if fails else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "old.ndjson"

    def write(*names):
        lines = (
            name if name.startswith(("{", "[")) or not name else json.dumps({"external_customer_id": name})
            for name in names
        )
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def run(url, path, batch=2, dry_run=False):
    source = ImportFile.opened(path)
    return source, asyncio.run(imported(RestClient(url, "token", 0.001), source, dry_run=dry_run, batch=batch))


def test_every_line_is_sent_once_in_batches(edge, url, file, capsys):
    path = file("a", "b", "", "c", "d", "e")
    source, position = run(url, path)
    assert [len(body["items"]) for body in edge.sent] == [2, 2, 1]
    assert (position.imported, position.existing, position.refused) == (5, 0, 0)
    assert [each.name for each in path.parent.iterdir()] == ["old.ndjson"]  # nothing is left behind
    tell(source, position, dry_run=False)
    assert "5 imported, 0 there already, 0 refused" in capsys.readouterr().out
    assert run(url, path)[1].existing == 5


def test_it_goes_on_where_it_stopped(edge, url, file):
    path = file("a", "bad-1", "c", "d", "e", "bad-2")
    edge.calls = 2
    with pytest.raises(CliError):
        run(url, path)
    edge.calls = 1000
    source, position = run(url, path)
    assert [[each["external_customer_id"] for each in body["items"]] for body in edge.sent[2:]] == [["e", "bad-2"]]
    assert (position.imported, position.existing, position.refused) == (4, 0, 2)
    kept = [json.loads(line) for line in source.refused_path.read_text().splitlines()]
    assert [(each["line"], each["reason"], each["field"]) for each in kept] == [
        (2, "PLAN_NOT_FOUND", "plan_code"),
        (6, "PLAN_NOT_FOUND", "plan_code"),
    ]
    assert kept[0]["item"] == {"external_customer_id": "bad-1"}
    assert not source._position_path.exists()


def test_another_content_begins_anew(edge, url, file):
    path = file("a", "b", "c")
    edge.calls = 1
    with pytest.raises(CliError):
        run(url, path)
    edge.calls = 1000
    file("a", "b", "x", "y")
    assert run(url, path)[1].existing == 2


@pytest.mark.parametrize("left", ["", "{", "[]", '{"line": 3}', '{"fingerprint": 1, "line": "x", "more": 2}'])
def test_a_progress_file_that_makes_no_sense_is_passed_over(edge, url, file, left):
    path = file("a", "b")
    path.with_name("old.ndjson.progress").write_text(left)
    assert run(url, path)[1].imported == 2


def test_lines_that_are_no_objects_are_refused_by_number_and_not_sent(edge, url, file, capsys):
    source, position = run(url, file("a", "{nonsense", "[1]", "b", '{"x": "' + "y" * 70_000 + '"}'))
    assert (position.imported, position.refused) == (2, 3)
    assert sum(len(body["items"]) for body in edge.sent) == 2
    tell(source, position, dry_run=False)
    shown = capsys.readouterr().err
    assert "2  INVALID_JSON" in shown
    assert "5  INVALID_JSON" in shown


def test_a_dry_run_keeps_no_place_and_says_so(edge, url, file, capsys):
    path = file("a", "b", "bad")
    source, position = run(url, path, dry_run=True)
    assert all(body["dry_run"] for body in edge.sent)
    assert not source._position_path.exists()
    tell(source, position, dry_run=True)
    assert "2 would be imported, 0 there already, 1 refused" in capsys.readouterr().out
    assert run(url, path)[1].imported == 2


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CliError, match="cannot be read"):
        ImportFile.opened(tmp_path / "none.ndjson")


def test_the_command_is_there():
    shown = CliRunner().invoke(commands, ["import", "--help"])
    assert shown.exit_code == 0
    assert "--dry-run" in shown.output
