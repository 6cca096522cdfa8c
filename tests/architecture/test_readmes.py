"""The README of a service names each of its RPCs, events and settings: what is not written there does not exist."""

import dataclasses
import importlib
import re

import pytest
from billing_runtime.settings import RuntimeSettings

from tools.contract import area, events, methods
from tools.gen_protos import ROOT

SERVICES = ("subscriptions", "usage", "invoicing", "tax", "payments")
RUNTIME = "libs/runtime"


def place(name: str) -> str:
    return RUNTIME if name == "common" else f"services/{name}"


def settings(service: str) -> set[str]:
    """Names in the environment of the settings that the service adds to the common ones."""
    config = importlib.import_module(f"billing_{service}.config")
    own = [each for each in vars(config).values() if dataclasses.is_dataclass(each) and each is not RuntimeSettings]
    common = {field.name for field in dataclasses.fields(RuntimeSettings)}
    return {field.name.upper() for each in own for field in dataclasses.fields(each) if field.name not in common}


def missing(folder: str, names: set[str]) -> list[str]:
    text = (ROOT / folder / "README.md").read_text()
    return sorted(name for name in names if not re.search(rf"\b{name}\b", text))


@pytest.mark.parametrize("folder", [RUNTIME, *map(place, SERVICES)])
def test_every_rpc_is_named(folder):
    assert missing(folder, {method.name for method in methods() if place(method.area) == folder}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_event_is_named(service):
    described = [event.DESCRIPTOR for event in events()]
    assert missing(place(service), {each.name for each in described if area(each.file.package) == service}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_named(service):
    assert missing(place(service), settings(service)) == []


def test_every_common_setting_is_named_by_the_runtime():
    assert missing(RUNTIME, {field.name.upper() for field in dataclasses.fields(RuntimeSettings)}) == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("section", ["Owns", "Does not own", "RPCs", "Topics", "Settings", "Runbook"])
def test_sections(service, section):
    assert re.search(rf"^## {section}\b", (ROOT / place(service) / "README.md").read_text(), re.MULTILINE)
