"""The list of refusals at the top of their module is the list of its classes."""

import inspect
import re

from billing_kernel.errors import DomainError
from billing_subscriptions.domain import errors


def test_the_list_names_every_refusal_and_no_other():
    listed = re.findall(
        r"[A-Z][a-z]\w+", " ".join(re.findall(r"(?m)^[A-Z_]{5,} {2,}(.*(?:\n {5,}.*)*)", errors.__doc__))
    )
    of_kernel = {"CurrencyMismatch", "Conflict"}
    classes = {name for name, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__}
    refusals = {name for name in classes if issubclass(getattr(errors, name), DomainError) and name[0] != "_"}
    assert len(listed) == len(set(listed))
    assert set(listed) - of_kernel == refusals
