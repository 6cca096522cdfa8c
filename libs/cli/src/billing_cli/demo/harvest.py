"""What the demo reads back by REST when all is played."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from billing_cli.demo.setup import Member
from billing_cli.rest import Json, RestClient

AT_ONCE = 4
SETTLE_S = 10.0
POLL_S = 0.1
PDF_MAGIC = b"%PDF-"


@dataclass(frozen=True, slots=True)
class Billed:
    """An invoice with its payment, if it has one, and its PDF on this machine."""

    member: Member
    invoice: Json
    payments: Sequence[Json]
    pdf: Path

    def minor(self, field: str) -> int:
        """An amount of the invoice in cents; the API may leave zeros out."""
        return int(self.invoice.get(field, 0))


async def statistics(client: RestClient) -> Json:
    return await client.get("/v1/usage/statistics")


async def billed(client: RestClient, members: Sequence[Member], folder: Path) -> list[Billed]:
    """Every invoice in the order of its number, its PDF written into `folder`."""
    found = [(member, each) for member in members for each in await _invoices(client, member)]
    limit = asyncio.Semaphore(AT_ONCE)

    async def complete(member: Member, listed: Json) -> Billed:
        async with limit:
            return await _complete(client, member, str(listed["invoice_id"]), folder)

    done = await asyncio.gather(*(complete(member, listed) for member, listed in found))
    return sorted(done, key=lambda each: str(each.invoice.get("number", "")))


async def _invoices(client: RestClient, member: Member) -> list[Json]:
    return [each async for each in client.pages("/v1/invoices", "invoices", customer_id=member.customer_id)]


async def _complete(client: RestClient, member: Member, invoice_id: str, folder: Path) -> Billed:
    invoice = (await client.get(f"/v1/invoices/{invoice_id}"))["invoice"]
    payments = [each async for each in client.pages("/v1/payments", "payments", invoice_id=invoice_id)]
    content = await client.download(f"/v1/invoices/{invoice_id}/pdf")
    return Billed(member, invoice, payments, _stored(folder / f"{invoice.get('number') or invoice_id}.pdf", content))


def _stored(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def is_pdf(path: Path) -> bool:
    """Whether the file begins as a PDF does."""
    with path.open("rb") as file:
        return file.read(len(PDF_MAGIC)) == PDF_MAGIC
