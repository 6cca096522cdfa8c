"""Text that people type: printable, or refused."""

from billing_tax.domain.errors import InvalidText, bad_field


def check_printable(field: str, *texts: str) -> None:
    """Refuses control characters, NUL among them. Raises InvalidText."""
    if not all(text.isprintable() for text in texts):
        raise bad_field(InvalidText, field, "control characters are not allowed")
