"""The pages say what is so: links resolve, make targets exist, examples run, generated parts are fresh."""

import doctest
import re
import subprocess
from pathlib import Path

import pytest

from tools.docs import blocks
from tools.docs.__main__ import WRITERS
from tools.gen_protos import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```python doctest\n(.*?)^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"\bmake ((?!PYTHON)[a-z][a-z-]*)\b")
REQUIREMENT = re.compile(r"^([a-z0-9-]+)", re.MULTILINE)


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(ROOT / name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_resolve(page):
    text = page.read_text()
    for link in LINK.findall(FENCE.sub("", text)):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text()), f"{link} names no heading"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_make_targets_exist(page):
    spoken = " ".join(re.findall(r"`[^`\n]+`", FENCE.sub("", page.read_text())))
    fenced = "\n".join(FENCE.findall(page.read_text()))
    commands = re.findall(r"^\s*(?:\$ )?(make .*)$", fenced, re.MULTILINE)
    named = set(MAKE.findall(spoken)) | set(MAKE.findall("\n".join(commands)))
    assert named <= targets()


@pytest.mark.parametrize("page", [page for page in pages() if EXAMPLE.search(page.read_text())], ids=name_of)
def test_examples_are_true(page):
    text = "\n".join(EXAMPLE.findall(page.read_text()))
    test = doctest.DocTestParser().get_doctest(text, {}, name_of(page), str(page), 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=name_of)
def test_generated_parts_are_fresh(page):
    text = page.read_text()
    assert blocks.filled(text, WRITERS) == text


def test_every_requirement_has_its_reason():
    reasons = (ROOT / "docs/adr/0002-dependencies.md").read_text()
    rows = "\n".join(line.split("|")[1] for line in reasons.splitlines() if line.startswith("| "))
    named = set(re.findall(r"[a-z0-9-]+", rows))
    assert set(REQUIREMENT.findall((ROOT / "requirements.in").read_text())) <= named


def test_a_part_is_written_between_its_marks():
    page = "a\n<!-- generated: x -->\nold\n<!-- end -->\nz\n"
    assert blocks.filled(page, {"x": lambda: "new"}) == "a\n<!-- generated: x -->\nnew\n<!-- end -->\nz\n"


def test_an_unknown_part_is_refused():
    with pytest.raises(blocks.UnknownBlock):
        blocks.filled("<!-- generated: x -->\n<!-- end -->", {})


def test_bars_in_cells_are_escaped():
    assert blocks.table(("A",), [("x|y",)]) == "| A |\n|---|\n| x\\|y |"
