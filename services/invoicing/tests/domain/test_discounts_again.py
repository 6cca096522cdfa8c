"""Fixed discounts of a period that changes cut: what credits take back of them is given again."""

from billing.common.v1 import period_pb2
from billing.subscriptions.v1 import charge_pb2
from billing_invoicing.domain.credits import Repaired, credit_line
from billing_invoicing.domain.discounts import with_discounts
from billing_invoicing.domain.due import LineDiscount
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import UUID, uuid7
from hypothesis import given
from hypothesis import strategies as st
from invoicing_builders import FEBRUARY, JANUARY, billing_due, flat_charge, stamp
from invoicing_credits import a_line, amount_off, credit_of

COUPON = amount_off(2000)


def at(day):
    start = JANUARY.replace(day=day)
    return {"service_period": period_pb2.Period(start=stamp(start), end=stamp(FEBRUARY))}


def replacing(amount, day=16, **changes):
    return flat_charge(amount, reason=charge_pb2.CHARGE_REASON_UPGRADE, **(at(day) | changes))


def invoiced(amount, off, code="base"):
    """A charge that is on an invoice, and its line there."""
    charge = flat_charge(amount, code=code)
    line = a_line(amount, discounts=(off,))
    due = due_from_pb(billing_due([charge], discounts=[COUPON]))
    parts = (LineDiscount(due.discounts[0].redemption_id, "TEN", "", off),)
    return charge, Repaired(line._replace(charge_id=UUID(charge.charge_id), discounts=parts), uuid7(), "EUR")


def net(charges, *repaired, coupon_minor=0):
    """What the lines of a due come to, and the discount on each."""
    coupon = charge_pb2.Discount()
    coupon.CopyFrom(COUPON)
    coupon.amount.amount_minor = coupon_minor
    lines = {each.line.charge_id: each for each in repaired}
    due = with_discounts(due_from_pb(billing_due(charges, discounts=[coupon])), lines)
    own, total, shares = dict(lines), 0, []
    for place, charge in enumerate(due.charges):
        if charge.credit_of is None:
            line = a_line(charge.amount_minor, discounts=(charge.discount_minor,))
            own[charge.charge_id] = Repaired(line._replace(charge_id=charge.charge_id), uuid7(), "EUR")
            shares.append(charge.discount_minor)
            total += charge.taxable_minor
            continue
        of = own[charge.credit_of.charge_id]
        line = credit_line(uuid7(), place + 1, charge, of)
        own[charge.credit_of.charge_id] = of._replace(given=(*of.given, line))
        shares.append(line.discount_minor)
        total += line.amount_minor - line.discount_minor
    return total, shares


def test_half_a_period_at_another_price_keeps_half_of_the_coupon():
    """100.00 with 20.00 off, 300.00 from the middle on: 80.00 + 100.00."""
    charge, line = invoiced(10000, 2000)
    assert net([credit_of(charge, 5000, **at(16)), replacing(15000)], line) == (10000, [-1000, 1000])


def test_the_next_period_has_a_coupon_of_its_own():
    charge, line = invoiced(10000, 2000)
    wanted = [credit_of(charge, 5000, **at(16)), replacing(15000), flat_charge(30000)]
    total, shares = net(wanted, line, coupon_minor=2000)
    assert (total, sum(shares)) == (10000 + 28000, 2000)


def test_the_same_price_nets_to_zero():
    charge, line = invoiced(10000, 2000)
    assert net([credit_of(charge, 3333, **at(16)), replacing(3333)], line) == (0, [-667, 667])


def test_only_what_replaces_gets_it_again():
    charge, line = invoiced(10000, 2000)
    credit = credit_of(charge, 5000, **at(16))
    assert net([credit], line) == (-4000, [-1000])
    assert net([credit, flat_charge(9000)], line) == (-4000 + 9000, [-1000, 0])
    assert net([credit, replacing(9000, day=2)], line) == (-4000 + 9000, [-1000, 0])
    assert net([credit, replacing(400), replacing(9000, day=20)], line) == (-4000 + 8400, [-1000, 400, 600])
    COUPON.item_codes[:] = ["seats"]
    try:
        assert net([credit, replacing(9000, code="base")], line) == (-4000 + 9000, [-1000, 0])
        assert net([credit, replacing(9000, code="seats")], line) == (-4000 + 8000, [-1000, 1000])
    finally:
        del COUPON.item_codes[:]


@given(
    st.integers(2001, 10**6),
    st.integers(1, 2000),
    st.lists(
        st.tuples(st.integers(2, 28), st.integers(2001, 10**6)), min_size=1, max_size=8, unique_by=lambda each: each[0]
    ),
)
def test_however_often_a_period_is_changed_its_coupon_is_given_once(first, off, changes):
    """Every change at its day gives back the rest of the charge before and charges the rest of the month."""
    charge, line = invoiced(first, off)
    whole, wanted, days = first, [], 31
    for day, price in sorted(changes):
        left = 32 - day
        wanted += [
            credit_of(charge, whole * left // days, **at(day)),
            charge := replacing(max(price * left // 31, 2001), day=day),
        ]
        whole, days = charge.amount.amount_minor, left
    _, shares = net(wanted, line)
    assert sum(shares) == 0
