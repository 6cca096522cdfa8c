"""The clients over a real channel: batches in slices, the end marker, refusals of items and of whole questions."""

from datetime import timedelta

import grpc
import pytest
from billing.common.v1 import clock_service_pb2, clock_service_pb2_grpc, item_error_pb2, money_pb2, ratio_pb2
from billing.payments.v1 import payments_service_pb2, payments_service_pb2_grpc
from billing.subscriptions.v1 import (
    customers_service_pb2,
    customers_service_pb2_grpc,
    renewals_service_pb2,
    renewals_service_pb2_grpc,
)
from billing.tax.v1 import tax_document_pb2, tax_service_pb2, tax_service_pb2_grpc
from billing.usage.v1 import rating_service_pb2, rating_service_pb2_grpc
from billing_invoicing.clients.clocks import SERVICES, MeshClocks, PaymentsRetries
from billing_invoicing.clients.streams import AnswerCutOff
from billing_invoicing.clients.subscriptions import SubscriptionsParties, SubscriptionsRenewals
from billing_invoicing.clients.tax import TaxService
from billing_invoicing.clients.usage import UsageRatings
from billing_invoicing.domain.discounts import with_discounts
from billing_invoicing.domain.due import Refusal
from billing_invoicing.wire.dues import due_from_pb
from billing_invoicing.wire.values import party_to_pb
from billing_kernel.ids import decode, encode, uuid7
from billing_runtime.call import calling
from billing_runtime.channel import MeshChannel
from billing_runtime.remote_errors import PeerUnavailable
from billing_testkit.tenants import service_call
from invoicing_builders import FEBRUARY, MARCH, PARTY, a_seller, billing_due, flat_charge, metered_charge, stamp
from invoicing_credits import credit_of, percent_off

ERROR = item_error_pb2.ItemError(reason="NOT_CAUGHT_UP", message="wait")
CUT, END = "cut", "end"


class Usage(rating_service_pb2_grpc.RatingServiceServicer):
    """Every second item is refused; answers come two a message."""

    def __init__(self):
        self.sizes, self.last = [], END

    async def BatchRateUsage(self, request, context):
        self.sizes.append(len(request.items))
        self.items = request.items
        answers = [self._answer(number, item) for number, item in enumerate(request.items)]
        for start in range(0, len(answers), 2):
            yield rating_service_pb2.BatchRateUsageResponse(answers=answers[start : start + 2])
        if self.last is END:
            yield rating_service_pb2.BatchRateUsageResponse(end=True)

    def _answer(self, number, item):
        if number % 2:
            return rating_service_pb2.RateAnswer(charge_id=item.charge_id, error=ERROR)
        rating = rating_service_pb2.Rating(
            rating_id=str(uuid7()),
            quantity="3",
            event_count=3,
            exact_amount=money_pb2.ExactAmount(currency_code="EUR", numerator="3", denominator="2"),
            amount=money_pb2.Money(currency_code="EUR", amount_minor=150),
            explanation="{}",
        )
        return rating_service_pb2.RateAnswer(charge_id=item.charge_id, rating=rating)


class Tax(tax_service_pb2_grpc.TaxServiceServicer):
    def __init__(self):
        self.requests = []

    async def BatchCalculateTax(self, request, context):
        self.requests.append(request)
        answers = [
            tax_service_pb2.TaxAnswer(
                reference=document.reference,
                document=tax_document_pb2.TaxedDocument(
                    lines=[
                        tax_document_pb2.TaxedLine(
                            net_minor=line.amount_minor,
                            taxes=[tax_document_pb2.TaxAmount(rule=tax_document_pb2.TAX_RULE_REVERSE_CHARGE)],
                        )
                        for line in document.lines
                    ]
                ),
            )
            for document in request.documents
        ]
        yield tax_service_pb2.BatchCalculateTaxResponse(answers=answers, end=True)


class Customers(customers_service_pb2_grpc.CustomersServiceServicer):
    async def BatchGetParties(self, request, context):
        known, *unknown = request.parties
        answers = [customers_service_pb2.PartyAnswer(party_version=known, party=party_to_pb(PARTY))]
        answers += [customers_service_pb2.PartyAnswer(party_version=each, error=ERROR) for each in unknown]
        yield customers_service_pb2.BatchGetPartiesResponse(parties=answers, end=True)


class Renewals(renewals_service_pb2_grpc.RenewalsServiceServicer):
    def __init__(self):
        self.due = None

    async def RunRenewals(self, request, context):
        return renewals_service_pb2.RunRenewalsResponse(published=request.limit, published_in_run=7, more=True)

    async def PreviewBillingDue(self, request, context):
        return renewals_service_pb2.PreviewBillingDueResponse(due=self.due)


class Clock(clock_service_pb2_grpc.ClockServiceServicer):
    def __init__(self):
        self.set = []

    async def SetClock(self, request, context):
        self.set.append((request.now.ToJsonString(), request.create))
        return clock_service_pb2.SetClockResponse(now=request.now)

    async def GetClock(self, request, context):
        return clock_service_pb2.GetClockResponse(next_due_time=stamp(MARCH), outbox_pending=2)


class Payments(payments_service_pb2_grpc.PaymentsServiceServicer):
    async def RunPaymentRetries(self, request, context):
        return payments_service_pb2.RunPaymentRetriesResponse(attempted=request.limit, more=True, unresolved=1)


@pytest.fixture
def others():
    return Usage(), Tax(), Customers(), Renewals(), Clock(), Payments()


@pytest.fixture
async def channel(others, tenant_id):
    usage, tax, customers, renewals, clock, payments = others
    server = grpc.aio.server()
    rating_service_pb2_grpc.add_RatingServiceServicer_to_server(usage, server)
    tax_service_pb2_grpc.add_TaxServiceServicer_to_server(tax, server)
    customers_service_pb2_grpc.add_CustomersServiceServicer_to_server(customers, server)
    renewals_service_pb2_grpc.add_RenewalsServiceServicer_to_server(renewals, server)
    clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)
    payments_service_pb2_grpc.add_PaymentsServiceServicer_to_server(payments, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    inner = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    with calling(service_call(tenant_id)):
        yield MeshChannel(inner, lambda timeout, metadata: (timeout, metadata or ()))
    await inner.close()
    await server.stop(0)


async def test_ratings_in_slices(channel, others):
    due = due_from_pb(billing_due([metered_charge() for _ in range(5)]))
    found = await UsageRatings(channel, 5, items_max=3).rate([(due, charge) for charge in due.charges], final=True)
    assert others[0].sizes == [3, 2]
    rated, refused = found[due.charges[0].charge_id], found[due.charges[1].charge_id]
    assert (rated.quantity, rated.amount_minor, rated.exact, rated.currency) == ("3", 150, ("3", "2"), "EUR")
    assert refused == Refusal("NOT_CAUGHT_UP", "wait")
    assert len(found) == 5


async def test_windows_go_on_where_the_charge_says(channel, others):
    share = ratio_pb2.Ratio(numerator="16", denominator="31")
    due = due_from_pb(billing_due([metered_charge(tiers_from_time=stamp(FEBRUARY), limits_share=share)]))
    await UsageRatings(channel, 5).rate([(due, due.charges[0])], final=True)
    (item,) = others[0].items
    assert (item.tiers_from_time, item.limits_share) == (stamp(FEBRUARY), share)
    whole = due_from_pb(billing_due([metered_charge()]))
    await UsageRatings(channel, 5).rate([(whole, whole.charges[0])], final=True)
    (item,) = others[0].items
    assert not item.HasField("tiers_from_time")
    assert not item.HasField("limits_share")


async def test_tax_is_asked_about_what_discounts_leave_and_never_about_credits(channel, others):
    bought = flat_charge(10000)
    asked = due_from_pb(billing_due([bought, credit_of(bought, 100)], discounts=[percent_off("25")]))
    due = with_discounts(asked)
    await TaxService(channel, 5).tax([(due, a_seller())])
    (document,) = others[1].requests[0].documents
    assert [(line.reference, line.amount_minor) for line in document.lines] == [(bought.charge_id, 7500)]


async def test_an_answer_without_its_end_is_no_answer(channel, others):
    others[0].last = CUT
    due = due_from_pb(billing_due([metered_charge()]))
    with pytest.raises(AnswerCutOff):
        await UsageRatings(channel, 5).rate([(due, due.charges[0])], final=True)


async def test_tax_in_slices_of_documents_and_lines(channel, others):
    dues = [due_from_pb(billing_due([flat_charge(10), flat_charge(20)])) for _ in range(5)]
    seller = a_seller()
    found = await TaxService(channel, 5, lines_max=4).tax([(due, seller) for due in dues])
    assert [len(request.documents) for request in others[1].requests] == [2, 2, 1]
    first = others[1].requests[0].documents[0]
    assert (first.seller_country_code, first.currency_code) == ("AT", "EUR")
    assert first.seller_id == encode("sel", seller.seller_id)
    assert set(found) == {due.due_id for due in dues}
    assert [(line.net_minor, line.taxes[0].rule) for line in found[dues[0].due_id]] == [
        (10, "REVERSE_CHARGE"),
        (20, "REVERSE_CHARGE"),
    ]


async def test_parties(channel):
    known, unknown = (uuid7(), 1), (uuid7(), 4)
    found = await SubscriptionsParties(channel, 5).fetch([known, unknown])
    assert found == {known: PARTY, unknown: Refusal("NOT_CAUGHT_UP", "wait")}


async def test_renewals(channel, others):
    renewals = SubscriptionsRenewals(channel, 5)
    assert await renewals.run(uuid7(), FEBRUARY, 10) == (7, True)
    assert await renewals.preview(uuid7()) is None
    others[3].due = billing_due()
    due = await renewals.preview(uuid7())
    assert due.customer_id == decode("cus", others[3].due.customer_id)


async def test_clocks_and_retries(channel, others):
    clocks = MeshClocks(dict.fromkeys(SERVICES, channel), 5)
    await clocks.set(FEBRUARY, create=True)
    assert others[4].set == [("2026-02-01T00:00:00Z", True)] * 5
    assert await clocks.next_dues() == [MARCH, MARCH]
    assert await clocks.pending() == 10
    assert await PaymentsRetries(channel, 5).run(FEBRUARY + timedelta(days=1), 9) == (9, True, 1)


async def test_a_service_that_is_away_is_a_transient_refusal(tenant_id):
    inner = grpc.aio.insecure_channel("127.0.0.1:1")
    away = MeshChannel(inner, lambda timeout, metadata: (timeout, metadata or ()))
    due = due_from_pb(billing_due())
    with calling(service_call(tenant_id)), pytest.raises(PeerUnavailable) as refused:
        await TaxService(away, 1).tax([(due, a_seller())])
    assert refused.value.transient
    await inner.close()
