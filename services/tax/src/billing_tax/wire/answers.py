"""Answers of a batch: one an item, cut into messages."""

from collections.abc import Iterable, Iterator

from billing.common.v1 import item_error_pb2
from billing.tax.v1 import tax_service_pb2 as pb
from billing_kernel.errors import DomainError

from billing_tax.domain.document import TaxedDocument
from billing_tax.wire.documents import document_to_pb

ANSWERS_MAX = 500  # of one message
MESSAGE_BYTES_MAX = 1024 * 1024
ERROR_REFERENCE_MAX = 80


def answer_to_pb(reference: str, result: TaxedDocument | DomainError) -> pb.TaxAnswer:
    if isinstance(result, DomainError):
        return pb.TaxAnswer(reference=reference[:ERROR_REFERENCE_MAX], error=item_error_to_pb(result))
    return pb.TaxAnswer(reference=reference, document=document_to_pb(reference, result))


def item_error_to_pb(refusal: DomainError) -> item_error_pb2.ItemError:
    field = refusal.violations[0].field if refusal.violations else ""
    return item_error_pb2.ItemError(reason=refusal.reason, message=refusal.message, field=field)


def messages(answers: Iterable[pb.TaxAnswer]) -> Iterator[pb.BatchCalculateTaxResponse]:
    """In order, at most 500 answers and 1 MiB a message; the last one carries the end marker."""
    message, size = pb.BatchCalculateTaxResponse(), 0
    for answer in answers:
        answer_bytes = answer.ByteSize() + 8  # tag and length
        if message.answers and (len(message.answers) == ANSWERS_MAX or size + answer_bytes > MESSAGE_BYTES_MAX):
            yield message
            message, size = pb.BatchCalculateTaxResponse(), 0
        message.answers.append(answer)
        size += answer_bytes
    message.end = True
    yield message
