import doctest
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_is_true():
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
