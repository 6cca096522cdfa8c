"""The tools that guard the repository: each refuses what it is there to refuse."""

import ast

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools import bootstrap, dependencies, gen_protos, hygiene, lock, size_ratchet, validate_proto


def test_validate_proto_compiles_back_to_the_embedded_descriptor(tmp_path):
    gen_protos.stage_third_party()  # writes validate.proto in a process of its own
    gen_protos.protoc(tmp_path, [validate_proto.NAME], "--descriptor_set_out=out.binpb")
    compiled = FileDescriptorSet.FromString((tmp_path / "out.binpb").read_bytes()).file[0]
    assert compiled == validate_proto.File.FromString(validate_proto.embedded_descriptor())


@pytest.mark.parametrize(
    ("wanted", "present", "stale"),
    [
        ({"a": b"1"}, {"a": b"1"}, []),
        ({"a": b"1"}, {"a": b"2"}, ["a"]),
        ({"a": b"1"}, {}, ["a"]),
        ({}, {"gone": b"1"}, ["gone"]),
    ],
)
def test_stale_names_changed_missing_and_superfluous_files(wanted, present, stale):
    assert gen_protos.stale(wanted, present) == stale


@pytest.mark.parametrize(
    ("found", "allowed", "before", "refusals"),
    [
        ({}, {}, {}, 0),
        ({"a.py": 301}, {}, {}, 1),
        ({"a.py": 310}, {"a.py": 310}, {"a.py": 310}, 0),
        ({"a.py": 311}, {"a.py": 310}, {"a.py": 310}, 1),
        ({"a.py:f": 61}, {}, {}, 1),
        ({"a.py": 305}, {"a.py": 310}, {"a.py": 310}, 1),  # shorter: the exception must follow
        ({}, {"a.py": 310}, {"a.py": 310}, 1),  # no longer needed
        ({"a.py": 310}, {"a.py": 310}, {}, 1),  # a new exception
        ({"a.py": 310}, {"a.py": 310}, None, 0),  # the first list of all
    ],
)
def test_sizes_may_only_shrink(found, allowed, before, refusals):
    assert len(list(size_ratchet.complaints(found, allowed, before))) == refusals


def test_functions_are_counted_by_their_qualified_name():
    tree = ast.parse("class A:\n    def f(self):\n        def g():\n            pass\n        return g\n")
    assert list(size_ratchet.functions(tree)) == [("A.f", 4), ("A.f.g", 2)]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("anyio==4.16.0 \\", False),
        ("tomli==2.5.0 ; python_full_version < '3.15' \\", False),
        (f"    --hash=sha256:{'0' * 64}", False),
        ("--index" + "-url https://mirror.example/simple", True),
        ("thing @ https://mirror.example/thing.whl", True),
    ],
)
def test_a_lock_names_no_address(line, refused):
    assert bool(lock.foreign(line)) is refused


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("see /ro" + "ot/secret", True),
        ("cd /ho" + "me/alice/billing", True),
        ("https://files.python" + "hosted.org/x", True),
        ("-----BEGIN RSA PRIVATE " + "KEY-----", True),
        ('key = "sk_li' + 've_0123456789"', True),
        ('rpc at "/v1/customers"', False),
        ("docs/work/in/progress", False),
    ],
)
def test_hygiene_patterns(line, refused):
    assert any(pattern.search(line) for _, pattern in hygiene.REFUSED_TEXT) is refused


def test_imports_are_charged_to_the_distribution_that_ships_them():
    owners = {"google": {"a", "b"}, "google.api": {"a"}, "google.api.http_pb2": {"a"}}
    workspace = {"billing_kernel": "billing-kernel"}
    assert dependencies.owners_of("google.api.http_pb2.HttpRule", owners, workspace) == {"a"}
    assert dependencies.owners_of("billing_kernel.money", owners, workspace) == {"billing-kernel"}
    assert dependencies.owners_of("json.loads", owners, workspace) == set()
    assert dependencies.owners_of("nowhere.at.all", owners, workspace) == {"an unknown distribution (nowhere)"}


def test_uv_is_installed_from_its_pin_alone():
    pins = {name: f"{name}==1 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n" for name in ("tzdata", "uv", "uvloop")}
    assert bootstrap.pin_of_uv("".join(pins.values())) == pins["uv"]


def test_every_member_of_the_workspace_is_found():
    names = {folder.name for folder in bootstrap.members()}
    assert {"kernel", "runtime", "subscriptions", "gateway"} <= names
