"""CustomersService: convert, call one operation, convert."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from billing.common.v1 import item_error_pb2
from billing.subscriptions.v1 import customer_pb2
from billing.subscriptions.v1 import customers_service_pb2 as pb
from billing.subscriptions.v1 import customers_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.domain.customer import Party
from billing_subscriptions.domain.errors import PartyNotFound
from billing_subscriptions.operations.archive_customer import archive_customer
from billing_subscriptions.operations.create_customer import create_customer
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.operations.update_customer import update_customer
from billing_subscriptions.wire.customers import (
    CHANGEABLE,
    IN_TREE,
    STATES,
    change_from_pb,
    customer_to_pb,
    party_from_pb,
    party_to_pb,
    terms_from_pb,
)
from billing_subscriptions.wire.ids import customer_uuid, party_uuid, seller_uuid

ITEMS_MAX = 500
BYTES_MAX = 1 << 20


class CustomersServicer(pb_grpc.CustomersServiceServicer):
    """Who is billed."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateCustomer(self, request: pb.CreateCustomerRequest, context: Any) -> pb.CreateCustomerResponse:
        async with self.begin() as uow:
            party = party_from_pb(request.party)
            made = await create_customer(uow, terms_from_pb(request), party, seller_uuid(request.seller_id))
            return await uow.answer(pb.CreateCustomerResponse(customer=customer_to_pb(made, party)))

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: Any) -> pb.GetCustomerResponse:
        async with self.read() as reads:
            customer, party = await reads.customer(customer_uuid(request.customer_id))
            able = await reads.payment_methods.having_one([customer.id])
        found = apply_read_mask(customer_to_pb(customer, party, paying=able), request.read_mask)
        return pb.GetCustomerResponse(customer=found)

    async def ListCustomers(self, request: pb.ListCustomersRequest, context: Any) -> pb.ListCustomersResponse:
        check_read_mask(customer_pb2.Customer.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        state = STATES.from_pb(request.state) if request.state else None
        async with self.read() as reads:
            found = await reads.customers(external_id=request.external_id, state=state, after=after, limit=size + 1)
            able = await reads.payment_methods.having_one([each.id for each, _ in found])
        messages, token = page_of(
            found,
            size,
            lambda each: str(each[0].id),
            lambda each: apply_read_mask(customer_to_pb(*each, paying=able), request.read_mask),
        )
        return pb.ListCustomersResponse(customers=messages, next_page_token=token)

    async def UpdateCustomer(self, request: pb.UpdateCustomerRequest, context: Any) -> pb.UpdateCustomerResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        change = change_from_pb(request.customer, paths)
        new_party = party_from_pb(request.customer.party) if "party" in paths else None
        async with self.begin() as uow:
            changed = await update_customer(
                uow,
                customer_uuid(request.customer_id),
                change,
                new_party,
                request.etag,
                in_tree=not IN_TREE.isdisjoint(paths),
            )
            party = new_party or await uow.customers.party(changed)
            able = await uow.payment_methods.having_one([changed.id])
            return await uow.answer(pb.UpdateCustomerResponse(customer=customer_to_pb(changed, party, paying=able)))

    async def ArchiveCustomer(self, request: pb.ArchiveCustomerRequest, context: Any) -> pb.ArchiveCustomerResponse:
        async with self.begin() as uow:
            archived = await archive_customer(uow, customer_uuid(request.customer_id), request.etag)
            party = await uow.customers.party(archived)
            able = await uow.payment_methods.having_one([archived.id])
            return await uow.answer(pb.ArchiveCustomerResponse(customer=customer_to_pb(archived, party, paying=able)))

    async def BatchGetParties(
        self, request: pb.BatchGetPartiesRequest, context: Any
    ) -> AsyncIterator[pb.BatchGetPartiesResponse]:
        keys = [(party_uuid(each.party_id), each.version) for each in request.parties]
        async with self.read() as reads:
            found = await reads.parties(keys)
        answers = [_answer(each, found.get(key)) for each, key in zip(request.parties, keys, strict=True)]
        for message in _messages(answers):
            yield message


def _answer(wanted: pb.PartyVersion, party: Party | None) -> pb.PartyAnswer:
    if party is None:
        error = item_error_pb2.ItemError(reason=PartyNotFound.reason, message="there is no such version of the party")
        return pb.PartyAnswer(party_version=wanted, error=error)
    return pb.PartyAnswer(party_version=wanted, party=party_to_pb(party))


def _messages(answers: Sequence[pb.PartyAnswer]) -> Iterator[pb.BatchGetPartiesResponse]:
    """At most ITEMS_MAX answers and BYTES_MAX bytes each, the last one marked."""
    message, size = pb.BatchGetPartiesResponse(), 0
    for answer in answers:
        length = answer.ByteSize() + 8
        if len(message.parties) >= ITEMS_MAX or size + length > BYTES_MAX - 8:
            yield message
            message, size = pb.BatchGetPartiesResponse(), 0
        message.parties.append(answer)
        size += length
    message.end = True
    yield message
