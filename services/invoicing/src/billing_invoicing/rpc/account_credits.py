"""AccountCreditsService: two reads."""

from typing import Any

from billing.invoicing.v1 import account_credits_service_pb2 as pb
from billing.invoicing.v1 import account_credits_service_pb2_grpc as pb_grpc
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_invoicing.domain.account_credit import Account
from billing_invoicing.domain.errors import AccountCreditNotFound
from billing_invoicing.operations.ports import Read
from billing_invoicing.wire.account_credits import entry_to_pb, standing_to_pb
from billing_invoicing.wire.values import CUSTOMER, id_from_pb, optional_id_from_pb


class AccountCreditsServicer(pb_grpc.AccountCreditsServiceServicer):
    """Reads what customers have in credit."""

    def __init__(self, read: Read) -> None:
        self.read = read

    async def GetAccountCredit(self, request: pb.GetAccountCreditRequest, context: Any) -> pb.GetAccountCreditResponse:
        account = Account(id_from_pb(CUSTOMER, request.customer_id), request.currency_code)
        async with self.read() as reads:
            standing = await reads.credits.get(account)
        if standing is None:
            raise AccountCreditNotFound("the customer has neither an invoice nor credit")
        return pb.GetAccountCreditResponse(account_credit=standing_to_pb(standing))

    async def ListAccountCreditEntries(
        self, request: pb.ListAccountCreditEntriesRequest, context: Any
    ) -> pb.ListAccountCreditEntriesResponse:
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        customer_id = optional_id_from_pb(CUSTOMER, request.customer_id)
        async with self.read() as reads:
            rows = await reads.list_credit_entries(customer_id, request.currency_code, after=after, limit=size + 1)
        found, token = page_of(rows, size, lambda row: str(row.entry_id), entry_to_pb)
        return pb.ListAccountCreditEntriesResponse(entries=found, next_page_token=token)
