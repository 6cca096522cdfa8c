"""The page about pricing has an example for everything there is, and every example is true."""

import doctest
import re
from pathlib import Path

import pytest
from billing_kernel.rounding import Rounding
from billing_pricing import Window
from billing_pricing.models_json import READERS

PAGE = (Path(__file__).parents[3] / "docs/pricing.md").read_text()
EXAMPLE = re.compile(r"^```python doctest\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = "\n".join(EXAMPLE.findall(PAGE))
ADJUSTMENTS = {
    "free_units",
    "minimum_amount",
    "maximum_amount",
    "discount_percent",
    "discount_after_maximum",
    "commitment",
    "overage_factor",
    "true_up",
    "quantity",
    "pricing_unit",
    "places",
    "deferred",
}


def test_the_examples_are_true():
    test = doctest.DocTestParser().get_doctest(EXAMPLES, {}, "pricing.md", "docs/pricing.md", 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert (result.attempted > 40, result.failed) == (True, 0)


@pytest.mark.parametrize("model", READERS)
def test_every_model_has_an_example(model):
    assert f"**{model}**" in PAGE
    assert f'"model": "{model}"' in EXAMPLES


@pytest.mark.parametrize("adjustment", sorted(ADJUSTMENTS))
def test_every_adjustment_has_an_example(adjustment):
    assert re.search(rf'"?{adjustment}"?[:=]', EXAMPLES)


@pytest.mark.parametrize("choice", [*Rounding, Window.HOUR])
def test_every_choice_has_an_example(choice):
    assert f'"{choice.value.lower()}"' in EXAMPLES
