"""Ports, child processes, folders, Valkey and Envoy."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import redis
from billing_devstack import envoy, ports, process, valkey
from billing_devstack.errors import FolderInUse, StackError, StartFailed
from billing_devstack.folder import FolderLock, secret
from billing_devstack.process import Command, Identity

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "

ENVOY = """
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}
"""


def spawn(tmp_path, argv=SLEEP, grace_s=5.0):
    command = Command("child", argv, tmp_path / "logs" / "child.log", grace_s=grace_s)
    child = process.spawn(command)
    process.wait_ready(child, lambda: b"up" in command.log.read_bytes(), 20)
    return child


def test_a_port_is_not_given_twice_before_its_server_listens():
    given = [ports.choose().number for _ in range(1000)]
    assert len(set(given)) == len(given)


def test_a_free_port_is_taken_as_asked():
    free = ports.choose()
    again = ports.choose(free.number)
    assert (again.number, again.moved) == (free.number, False)


def test_a_taken_port_moves_and_says_so():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = ports.choose(holder.getsockname()[1])
    assert port.moved
    assert port.address == f"127.0.0.1:{port.number}"


def test_ports_chosen_together_differ():
    free = ports.choose().number
    chosen = ports.choose_all({"a": free, "b": free, "c": 0})
    assert len({port.number for port in chosen.values()}) == 3


def test_a_child_stops_when_asked(tmp_path):
    assert spawn(tmp_path).stop() == -signal.SIGTERM


def test_a_child_that_will_not_listen_is_killed(tmp_path):
    assert spawn(tmp_path, [sys.executable, "-c", STUBBORN], grace_s=0.2).stop() == -signal.SIGKILL


def test_what_a_child_started_ends_with_it(tmp_path):
    child = spawn(tmp_path, [sys.executable, "-c", PARENT + "print('up', flush=True); time.sleep(60)"])
    assert len(session(child.pid)) == 2
    child.stop()
    gone_by = time.monotonic() + 10
    while session(child.pid) and time.monotonic() < gone_by:  # the kernel ends a killed process in its own time
        time.sleep(0.02)
    assert session(child.pid) == []


def session(pid):
    shown = subprocess.run(["ps", "-o", "stat=", "-s", str(pid)], capture_output=True, text=True, check=False)
    return [line for line in shown.stdout.split() if not line.startswith("Z")]


def test_a_child_that_ends_too_early_is_reported_with_its_log(tmp_path):
    child = process.spawn(Command("child", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "child.log"))
    with pytest.raises(StartFailed, match=r"child did not start: ended with code 3; see .*child\.log"):
        process.wait_ready(child, lambda: False, 20)


def test_a_program_that_does_not_exist(tmp_path):
    with pytest.raises(StartFailed):
        process.spawn(Command("child", ["/nowhere/at-all"], tmp_path / "child.log"))


def test_a_recorded_child_of_a_dead_supervisor_is_ended(tmp_path):
    child = spawn(tmp_path)
    assert process.end(Identity.from_json(child.identity.to_json()))
    assert child.exit_code == -signal.SIGTERM
    assert not process.end(child.identity)


def test_a_pid_that_now_belongs_to_another_is_left_alone(tmp_path):
    child = spawn(tmp_path)
    assert not process.end(Identity(child.pid, "another-boot:1", "another-token"))
    assert child.alive()
    child.stop()


def test_what_is_left_of_a_dead_leader_is_found_by_its_token(tmp_path):
    child = spawn(tmp_path, [sys.executable, "-c", PARENT + "print('up', flush=True); time.sleep(60)"])
    os.kill(child.pid, signal.SIGKILL)
    while child.alive():
        time.sleep(0.01)
    assert process.end(child.identity)
    assert session(child.pid) == []


def test_a_folder_has_one_holder(tmp_path):
    with FolderLock(tmp_path / "data"), pytest.raises(FolderInUse):
        FolderLock(tmp_path / "data")
    FolderLock(tmp_path / "data").release()


def test_a_secret_is_made_once_and_private(tmp_path):
    made = secret(tmp_path / "secrets", "a")
    assert secret(tmp_path / "secrets", "a") == made != secret(tmp_path / "secrets", "b")
    assert stat.S_IMODE((tmp_path / "secrets" / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_valkey_answers_and_stops(tmp_path):
    server = valkey.start(tmp_path / "valkey", ports.choose().number, tmp_path / "valkey.log")
    with redis.Redis.from_url(server.url) as client:
        assert client.set("a", "1", ex=60)
        assert client.get("a") == b"1"
    server.stop()
    assert not ports.listening(server.port)


def test_a_foreign_server_on_the_port_is_not_taken_for_ours(tmp_path):
    first = valkey.start(tmp_path / "first", ports.choose().number, tmp_path / "first.log")
    with pytest.raises(StartFailed, match="valkey did not start: ended with code 1"):
        valkey.start(tmp_path / "second", first.port, tmp_path / "second.log")
    first.stop()


def test_envoy_starts_on_a_given_configuration(tmp_path):
    admin = ports.choose().number
    config = tmp_path / "envoy.yaml"
    config.write_text(ENVOY % admin)
    envoy.validate(config)
    proxy = envoy.start(config, admin, tmp_path / "envoy.log")
    proxy.stop()
    assert not ports.listening(admin)


def test_envoy_says_what_it_dislikes(tmp_path):
    config = tmp_path / "envoy.yaml"
    config.write_text("no_such_thing: 1\n")
    with pytest.raises(StackError, match="no_such_thing"):
        envoy.validate(config)
