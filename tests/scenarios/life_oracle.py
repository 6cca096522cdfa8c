"""What invoices must come to, by arithmetic of its own: fractions, instants and prices written out, nothing of the
engine. An account is one customer's book; its text is that of `life_book`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
BY_SECONDS = "BY_SECONDS, ACTUAL_PERIOD"


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    """An instant in UTC from wall time, such as "2025-03-16" or "2025-03-16 12:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def share(start: datetime, end: datetime, whole_start: datetime, whole_end: datetime) -> Fraction:
    """By seconds of real time."""
    return Fraction(int((end - start).total_seconds()), int((whole_end - whole_start).total_seconds()))


def half_up(exact: Fraction) -> int:
    """Half away from zero."""
    doubled = abs(exact) * 2 + 1
    rounded = int(doubled.numerator // doubled.denominator) // 2
    return -rounded if exact < 0 else rounded


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """By largest remainder, the earlier one first."""
    whole = sum(weights)
    parts = [minor * weight // whole for weight in weights]
    rests = sorted(range(len(weights)), key=lambda place: (-(minor * weights[place] % whole), place))
    for place in rests[: minor - sum(parts)]:
        parts[place] += 1
    return parts


@dataclass(eq=False)
class Fee:
    """One line. `exact` in major units; `of`: the line that a credit gives back."""

    code: str
    start: datetime
    end: datetime
    exact: Fraction
    quantity: str = "1"
    reason: str = ""
    proration: str = ""
    of: "Fee | None" = None
    minor: int = 0
    off: list[int] = field(default_factory=list)
    tax: int = 0
    given: list["Fee"] = field(default_factory=list)

    @property
    def discount(self) -> int:
        return sum(self.off)

    def back(self, start: datetime, exact: Fraction, reason: str, *, proration: str = BY_SECONDS) -> "Fee":
        """A credit of this line for [start, its end)."""
        return Fee(self.code, start, self.end, -exact, self.quantity, reason, proration, self)


@dataclass
class Account:
    """Bills in their order; `rate` is the tax, `credit` what was left over by totals below zero."""

    currency: str = "EUR"
    rate: Fraction = Fraction(19, 100)
    credit: int = 0
    text: str = ""
    totals: list[int] = field(default_factory=list)

    def bill(
        self,
        when: datetime,
        *fees: Fee,
        off: Sequence[Fraction | int] = (),
        again: Sequence[tuple[Fee, Fee]] = (),
        state: str = "PAID",
    ) -> int:
        """Adds an invoice and gives its total in minor units. `off`: shares or minor units taken off, in order.

        `again`: a credit, and the fee that gets what it takes back of the last discount of its line, a fixed amount.
        """
        self._price(fees)
        self._take_off([fee for fee in fees if fee.of is None and fee.minor > 0], off)
        for credit, fee in again:
            assert credit.of is not None, "a credit gives back a line"
            fee.off.append(half_up(Fraction(credit.of.off[-1] * -credit.minor, credit.of.minor)))
        for fee in fees:
            self._tax(fee)
        net, tax = sum(fee.minor - fee.discount for fee in fees), sum(fee.tax for fee in fees)
        head = f"{_minute(when)}  {state}  {self.currency}  {self._money(net)} + {self._money(tax)}"
        self.text += f"{head} = {self._money(net + tax)}{self._settled(net + tax)}\n"
        self.text += "".join(f"{self._line(fee)}\n" for fee in fees)
        self.totals.append(net + tax)
        return net + tax

    def minor(self, exact: Fraction) -> int:
        return half_up(exact * 10 ** PLACES[self.currency])

    def _price(self, fees: Sequence[Fee]) -> None:
        for fee in fees:
            fee.minor = self.minor(fee.exact)
            if fee.of is not None:
                left = fee.of.minor + sum(each.minor for each in fee.of.given)
                fee.minor = max(fee.minor, -left)

    def _take_off(self, fees: Sequence[Fee], off: Sequence[Fraction | int]) -> None:
        for each in off:
            left = [fee.minor - fee.discount for fee in fees]
            whole = sum(left)
            taken = half_up(whole * each) if isinstance(each, Fraction) else min(each, whole)
            for fee, part in zip(fees, split(taken, left) if taken else [0] * len(fees), strict=True):
                fee.off.append(part)

    def _tax(self, fee: Fee) -> None:
        """A credit gives back each discount and the tax in the proportion of what was given back so far."""
        if fee.of is None:
            fee.tax = half_up((fee.minor - fee.discount) * self.rate)
            return
        line = fee.of
        upto = -fee.minor - sum(each.minor for each in line.given)
        fee.off = [
            -half_up(Fraction(part * upto, line.minor)) - sum(each.off[place] for each in line.given)
            for place, part in enumerate(line.off)
        ]
        taxed = -(fee.minor - fee.discount) - sum(each.minor - each.discount for each in line.given)
        whole = line.minor - line.discount
        fee.tax = (-half_up(Fraction(line.tax * taxed, whole)) if whole else 0) - sum(each.tax for each in line.given)
        line.given.append(fee)

    def _settled(self, total: int) -> str:
        if total < 0:
            self.credit -= total
            return f", leaves {self._money(-total)}"
        used = min(self.credit, total)
        self.credit -= used
        return f", {self._money(used)} from credit" if used else ""

    def _line(self, fee: Fee) -> str:
        amounts = f"{self._money(fee.minor):>9} {self._money(-fee.discount):>8} {self._money(fee.tax):>8}"
        span = f"{_minute(fee.start)}/{_minute(fee.end)}"
        return f"    {fee.code:11}{span}  {fee.quantity:>9} {amounts}  {fee.reason}  {fee.proration}".rstrip()

    def _money(self, minor: int) -> str:
        places = PLACES[self.currency]
        digits = str(abs(minor)).rjust(places + 1, "0")
        text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
        return f"-{text}" if minor < 0 else text


def _minute(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%MZ")
