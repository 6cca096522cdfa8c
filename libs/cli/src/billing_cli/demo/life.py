"""The life of one subscription, by REST: what is asked for on each of its days, and what the API answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing_cli.demo import story
from billing_cli.demo.play import Act
from billing_cli.demo.setup import Member
from billing_cli.demo.story import Days
from billing_cli.options import rfc3339
from billing_cli.rest import Json, RestClient

FRESH_S = 2.0  # an entitlement follows a change within a second; twice that is waited for
POLL_S = 0.1
SAME = ("charges", "net", "effective_time", "rules")


@dataclass(frozen=True, slots=True)
class Access:
    """What CheckEntitlement was asked for, which reason is right, and what it said."""

    feature: str
    wanted: str
    answer: Json

    @property
    def right(self) -> bool:
        return str(self.answer.get("reason", "")).removeprefix("ENTITLEMENT_REASON_") == self.wanted


@dataclass(frozen=True, slots=True)
class Scene:
    """One call: what it answered, what its preview had answered, what the customer may do afterwards."""

    at: datetime
    title: str
    answer: Json
    preview: Json | None = None
    access: Sequence[Access] = ()

    @property
    def as_previewed(self) -> bool:
        """The same charges, credits, sums, dates and rules to the last byte."""
        before = self.preview or {}
        return all(before.get(name) == self.answer.get(name) for name in SAME)


@dataclass(frozen=True, slots=True)
class Lived:
    """What is left to be told: the scenes, the timeline, what the subscription was in the past, a price tried."""

    member: Member
    days: Days
    versions: dict[str, str]
    scenes: Sequence[Scene]
    changes: Sequence[Json]
    past: Sequence[tuple[str, datetime, Json]]
    tried: Json


@dataclass(slots=True)
class Life:
    """A subscription that lives; `versions` are the ids of the plan versions by plan code."""

    client: RestClient
    days: Days
    member: Member
    versions: dict[str, str]
    scenes: list[Scene] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/v1/subscriptions/{self.member.subscription_id}"

    def acts(self) -> list[Act]:
        """What happens while the clock moves, in order."""
        return [
            Act(self.days.add_on, self.add_backup),
            Act(self.days.upgrade, self.upgrade),
            Act(self.days.more_seats, self.more_seats),
            Act(self.days.pause, self.pause),
            Act(self.days.resume, self.resume),
        ]

    def signed_up(self, preview: Json, started: Json) -> None:
        """`preview` says what the first boundary bills."""
        title = f"Team with {story.SEATS_FIRST} seats, a coupon is redeemed"
        told = {"charges": preview["charges"], "net": preview["net"], "subscription": started}
        self.scenes.append(Scene(self.days.start, title, told))

    async def add_backup(self) -> None:
        change = {"add_ons": [{"add_on_code": story.BACKUP}]}
        await self._change(self.days.add_on, "the add-on Backup is added", change, "daily copies wanted")

    async def upgrade(self) -> None:
        before = await self._may(story.SSO, "NOT_GRANTED")
        change = {"plan_version_id": self.versions[story.BUSINESS]}
        await self._change(self.days.upgrade, "upgrade from Team to Business", change, "needs single sign-on", [before])

    async def more_seats(self) -> None:
        change = {"quantities": [{"code": story.SEATS, "quantity": story.SEATS_MORE}]}
        title = f"from {story.SEATS_FIRST} seats to {story.SEATS_MORE}"
        await self._change(self.days.more_seats, title, change, "three people joined")

    async def pause(self) -> None:
        order = {"billing": "PAUSE_BILLING_VOID", "reason": "closed for the holidays"}
        answer = await self.client.post(f"{self.path}:pause", order)
        access = [await self._may(story.SSO, "SUBSCRIPTION_NOT_RUNNING")]
        self.scenes.append(Scene(self.days.pause, "paused; what is paid ahead is given back", answer, access=access))

    async def resume(self) -> None:
        answer = await self.client.post(f"{self.path}:resume", {"reason": "back at work"})
        access = [await self._may(story.SSO, "GRANTED"), await self._may(story.SUPPORT, "GRANTED")]
        self.scenes.append(Scene(self.days.resume, "resumed; the rest of the month is charged", answer, access=access))

    async def told(self) -> Lived:
        """Everything, once the last month is billed."""
        changes = [each async for each in self.client.pages(f"{self.path}/changes", "changes")]
        past = [(name, at, await self._as_of(at)) for name, at in self._moments()]
        price = {"price": story.TRIED_PRICE, "currency_code": "EUR", "quantity": story.TRIED_CALLS}
        tried = await self.client.post("/v1/prices:preview", price)
        return Lived(self.member, self.days, self.versions, self.scenes, changes, past, tried)

    async def _change(self, at: datetime, title: str, change: Json, reason: str, before: Sequence[Access] = ()) -> None:
        """The preview, then the call."""
        preview = await self.client.post(f"{self.path}:preview_change", {"change": change})
        answer = await self.client.post(f"{self.path}:change", {"change": change, "reason": reason})
        after = [await self._may(each.feature, "GRANTED") for each in before]
        self.scenes.append(Scene(at, title, answer, preview, [*before, *after]))

    async def _may(self, feature: str, wanted: str) -> Access:
        """Asks until the answer is the wanted one or FRESH_S have passed: answers may be a second old."""
        deadline = asyncio.get_running_loop().time() + FRESH_S
        question = {"customer_id": self.member.customer_id, "feature_code": feature}
        while True:
            found = Access(feature, wanted, await self.client.post("/v1/entitlements:check", question))
            if found.right or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(POLL_S)

    def _moments(self) -> list[tuple[str, datetime]]:
        days = self.days
        return [
            ("before the upgrade", days.add_on),
            ("after the upgrade", days.upgrade),
            ("with more seats", days.more_seats),
            ("while paused", days.pause),
            ("resumed", days.resume),
        ]

    async def _as_of(self, at: datetime) -> Json:
        return dict((await self.client.get(self.path, as_of=rfc3339(at)))["subscription"])
