"""The whole stack with its parts alone and with small stand-ins for the services and the gateway."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from billing_devstack import control, kafka, kafka_home, state
from billing_devstack.environment import External
from billing_devstack.errors import StartFailed
from billing_devstack.forking import ForkServer
from billing_devstack.kafka_jars import JarsMissing
from billing_devstack.layout import Layout
from billing_devstack.memory import stack_pss
from billing_devstack.postgres import DEFAULT_PORT
from billing_devstack.process import Command
from billing_devstack.specs import EdgeSpec, ServiceSpec, accepts_connections
from billing_devstack.stack import AlreadyRunning, Interrupted, Stack

SERVICE = """
import json, os, socket, sys, time
role = sys.argv[1]
if os.environ.get("FAKE_FAILS") == role:
    raise SystemExit("no, thanks")
print(role, json.dumps(dict(os.environ)), flush=True)
if role == "all":
    host, port = os.environ["GRPC_ADDRESS"].split(":")
    with socket.create_server((host, int(port))) as server:
        while True:
            server.accept()[0].close()
"""

GATEWAY = """
import os, pathlib, sys
assert sys.argv[1:3] == ["render", "--out"]

def at(name):
    host, port = os.environ[name].split(":")
    return "{socket_address: {address: %s, port_value: %s}}" % (host, port)

# Whatever is asked, the answer is 200: also whether every service is healthy.
network = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
(pathlib.Path(sys.argv[3]) / "envoy.yaml").write_text(f'''
admin: {{address: {at("EDGE_ADMIN_ADDRESS")}}}
static_resources:
  listeners:
  - address: {at("EDGE_ADDRESS")}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": {network}
          stat_prefix: edge
          http_filters: [{{name: router, typed_config: {{"@type": {router}}}}}]
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: /}}, direct_response: {{status: 200}}}}]}}
''')
"""


GRPC_SERVICE = """
import asyncio, os
import fake_grpc.main as main

async def serve():
    server = main.grpc.aio.server()
    health = main.aio_health.HealthServicer()
    main.health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(os.environ["GRPC_ADDRESS"])
    await server.start()
    await health.set("", main.health_pb2.HealthCheckResponse.SERVING)
    await server.wait_for_termination()

asyncio.run(serve())
"""
GRPC_IMPORTS = """
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
import grpc_health.v1._async as aio_health
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A service `fake_usage` and a gateway `fake_gateway` that every child can import."""
    for name, text in (("fake_usage", SERVICE), ("fake_gateway", GATEWAY), ("fake_grpc", GRPC_SERVICE)):
        (tmp_path / "modules" / name).mkdir(parents=True)
        (tmp_path / "modules" / name / "__init__.py").write_text("")
        (tmp_path / "modules" / name / "__main__.py").write_text(text)
    (tmp_path / "modules" / "fake_grpc" / "main.py").write_text(GRPC_IMPORTS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return ServiceSpec("usage", "fake_usage", 0, {"BLOB_URL": "file://{root}/blobs"}, health=accepts_connections)


@pytest.fixture
def started(tmp_path):
    """Starts stacks and ends them after the test."""
    stacks = []

    def up(*parts, services=(), **options):
        stack = Stack.up(tmp_path / ".billing", parts, services, options.pop("edge", None), any_port=True, **options)
        stacks.append(stack)
        return stack

    yield up
    for stack in stacks:
        stack.down()


def wait_until(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def environment_of(stack, role="all"):
    lines = stack.layout.log("usage").read_text().splitlines()
    return json.loads(next(line for line in reversed(lines) if line.startswith(role)).partition(" ")[2])


@pytest.mark.slow
def test_a_service_gets_all_its_settings_and_comes_back_after_a_crash(started, modules, tmp_path):
    stack = started("postgres", "valkey", "kafka", services=[modules], edge=EdgeSpec("fake_gateway"), broker="lite")
    env = environment_of(stack)
    assert env["USAGE_ADDRESS"] == env["GRPC_ADDRESS"] == stack.status().urls["grpc.usage"]
    assert env["BLOB_URL"] == f"file://{tmp_path}/.billing/blobs"
    assert env["USER_ISSUER"] == "https://issuer.billing.test"
    assert json.loads(Path(env["SERVICE_KEY"]).read_text())["kid"].startswith("usage.")
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        psycopg.connect(env[name]).close()
    assert environment_of(stack, "migrate")["MIGRATION_DATABASE_URL"] == env["MIGRATION_DATABASE_URL"]
    assert {part.part: part.health for part in stack.status().parts} == dict.fromkeys(
        ("postgres", "valkey", "kafka", "usage", "edge"), "ready"
    )
    assert "WARNING" in stack.status().part("kafka").note
    assert set(stack_pss(stack.layout.root)) >= {"postgres", "usage", "edge", "supervisor", "forkserver"}

    for name in ("usage", "edge", "valkey"):
        os.kill(stack.status().part(name).pid, signal.SIGKILL)
    for name in ("usage", "edge", "valkey"):
        wait_until(lambda name=name: stack.status().part(name).restarts == 1)
        wait_until(lambda name=name: stack.status().part(name).health == "ready")
    stack.down()
    assert state.read(stack.layout.state).phase == "down"
    assert list(stack.layout.run.glob("*")) == []


def test_a_grpc_service_works_in_a_fork_of_a_process_that_loaded_grpc(started, modules):
    service = ServiceSpec("tax", "fake_grpc", 0, migrates=False)
    stack = started(services=[service, replace(service, name="usage")])
    for name in ("tax", "usage"):
        running = stack.status().part(name)
        assert running.health == "ready"
        assert Path(f"/proc/{running.pid}/cmdline").read_bytes().count(b"billing_devstack.forkserver")
        os.kill(running.pid, signal.SIGSTOP)
    wait_until(lambda: {stack.status().part(name).health for name in ("tax", "usage")} == {"unhealthy"})
    for name in ("tax", "usage"):
        os.kill(stack.status().part(name).pid, signal.SIGCONT)
    wait_until(lambda: {stack.status().part(name).health for name in ("tax", "usage")} == {"ready"})


def test_a_lite_broker_that_forgot_all_is_followed_by_its_clients(started, modules):
    stack = started("kafka", services=[replace(modules, migrates=False)], broker="lite")
    os.kill(stack.status().part("kafka").pid, signal.SIGKILL)
    wait_until(lambda: stack.status().part("usage").restarts == 1)
    wait_until(lambda: stack.status().part("usage").health == "ready")
    assert "billing.usage.v1" in kafka._visible(kafka._admin(stack.status().urls["kafka"]))


def test_jars_that_cannot_be_had_are_no_obstacle(started, monkeypatch):
    def refuse(*_):
        raise JarsMissing("no way")

    monkeypatch.setattr(kafka_home, "prepare", refuse)
    stack = started("kafka")
    assert "lite" in stack.status().part("kafka").note


def test_one_supervisor_a_folder(started):
    stack = started("valkey")
    with pytest.raises(AlreadyRunning):
        Stack.up(stack.layout.root, ["valkey"], [], None)


def test_a_service_that_fails_takes_the_start_back(started, modules, monkeypatch, tmp_path):
    monkeypatch.setenv("FAKE_FAILS", "migrate")
    with pytest.raises(StartFailed, match=r"usage migrate did not start: ended with code 1; see .*usage\.log"):
        started("postgres", "kafka", services=[modules], broker="lite")
    monkeypatch.delenv("FAKE_FAILS")
    assert started("postgres", "kafka", services=[modules], broker="lite").status().phase == "up"


def test_an_interrupted_start_leaves_nothing(started, tmp_path):
    with pytest.raises(Interrupted):
        started("postgres", "valkey", interrupted=lambda: True)
    assert control.down(tmp_path / ".billing") is False


def test_parts_that_run_elsewhere_are_not_started(started, modules, tmp_path):
    first = Stack.up(tmp_path / "elsewhere", ["postgres", "valkey", "kafka"], [], None, broker="lite", any_port=True)
    urls = first.status().urls
    dsn = first.layout.secrets.joinpath("postgres").read_text()
    elsewhere = External(urls["postgres"].replace("postgres@", f"postgres:{dsn}@"), urls["kafka"], urls["redis"])
    stack = started("postgres", "valkey", "kafka", services=[modules], elsewhere=elsewhere)
    assert {part.part for part in stack.status().parts if part.health == "external"} == {"postgres", "valkey", "kafka"}
    assert environment_of(stack)["KAFKA_BOOTSTRAP_SERVERS"] == urls["kafka"]
    first.down()


@pytest.mark.slow
def test_the_command_starts_recovers_and_stops(tmp_path):
    """In the background, with the default port of PostgreSQL taken, after kill -9, twice in a row."""
    root = tmp_path / ".billing"
    options = ["--parts", "postgres,valkey", "--services", "", "--no-edge"]
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then somebody else has taken it for us
            holder.bind(("127.0.0.1", DEFAULT_PORT))
            holder.listen()
        first = control.up_detached(root, options)
        assert first.part("postgres").moved
        before = {part.part: part.pid for part in first.parts}
        os.kill(first.supervisor.pid, signal.SIGKILL)
        wait_until(lambda: control.status(root).phase == "down")
        second = control.up_detached(root, options)
        after = {part.part: part.pid for part in second.parts}
        assert set(before) == set(after)
        assert not set(before.values()) & set(after.values())
        with pytest.raises(AlreadyRunning):
            control.up_detached(root, options)
    argv = [sys.executable, "-m", "billing_devstack", "status", "--json", "--dir", str(root)]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["phase"] == "up"
    assert control.down(root)
    assert not control.down(root)
    assert [pid for pid in (*before.values(), *after.values()) if os.path.exists(f"/proc/{pid}/fd/0")] == []


def test_leftovers_of_a_killed_supervisor_are_ended_by_down(tmp_path):
    root = tmp_path / ".billing"
    running = control.up_detached(root, ["--any-port", "--parts", "valkey", "--services", "", "--no-edge"])
    os.kill(running.supervisor.pid, signal.SIGKILL)
    wait_until(lambda: control.status(root).phase == "down")
    control.down(root)
    wait_until(lambda: not alive(running.part("valkey").pid))


def alive(pid):
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


def test_a_start_that_fails_in_the_background_says_why(tmp_path):
    with pytest.raises(StartFailed, match="not one of"):
        control.up_detached(tmp_path / ".billing", ["--parts", "mysql"])


def test_forks_report_their_exit_and_end_with_their_server(modules, tmp_path):
    log = tmp_path / "fork.log"
    server = ForkServer([], log, dict(os.environ))
    assert server.usable()
    env = {**os.environ, "FAKE_FAILS": "all", "GRPC_ADDRESS": "127.0.0.1:0"}
    refused = server.fork(Command("fake", [], log, env), "fake_usage", ["all"])
    assert refused.wait(20) == 1
    assert "no, thanks" in log.read_text()
    living = server.fork(Command("fake", [], log, {**env, "FAKE_FAILS": ""}), "fake_usage", ["all"])
    wait_until(lambda: "all " in log.read_text())
    assert living.alive()
    server.stop()
    assert living.wait(20) in (-signal.SIGTERM, -1)


def test_state_that_nobody_stands_behind_reads_as_down(tmp_path):
    layout = Layout(tmp_path)
    assert state.read(layout.state).phase == "down"
    layout.state.write_text("{")
    assert state.read(layout.state).phase == "down"
