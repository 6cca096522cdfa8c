"""The tables of a subscription's life: the default rule of every kind of change, and which state follows which."""

from billing_subscriptions.domain.policy import MATRIX_DEFAULTS
from billing_subscriptions.domain.subscription import TRANSITIONS

from tools.docs.blocks import code, table


def change_matrix() -> str:
    rows = [
        (kind, rule.when, rule.proration.basis, rule.proration.denominator, rule.settlement)
        for kind, rule in MATRIX_DEFAULTS.items()
    ]
    heads = ("Change", "When", "Basis", "Denominator", "Settlement")
    return table(heads, [tuple(map(code, row)) for row in rows])


def state_table() -> str:
    states = list(TRANSITIONS)
    rows = [
        (code(state), ", ".join(code(after) for after in states if after in TRANSITIONS[state])) for state in states
    ]
    return table(("State", "May become"), rows)
