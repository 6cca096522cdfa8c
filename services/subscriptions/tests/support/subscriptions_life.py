"""Subscriptions that run, are changed, paused, resumed and canceled, in one line each."""

import subscriptions_builders as build
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause, resume
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.subscription import PauseBilling
from subscriptions_builders import renewed, utc

ALL = build.version([build.flat("31"), build.metered(), build.flat("7", Timing.ARREARS, "support")])
INCLUSIVE = Proration(Basis.BY_DAYS_INCLUSIVE)


def runs(of=ALL, start="2026-01-01", **order):
    return renewed(build.subscription(of, start=start, **order), of)[0].after


def paused(before, of=ALL, *, at, billing=PauseBilling.VOID, **order):
    return pause(before, PauseOrder(billing, **order), build.offers(of), PriceBook(), now=utc(at))


def resumed(before, of=ALL, *, at, **settings):
    return resume(before, build.offers(of), PriceBook(), now=utc(at), **settings)


def canceled(before, of=ALL, *, at, when=CancelAt.NOW, on=None, **order):
    return cancel(
        before, CancelOrder(when, utc(on) if on else None, **order), build.offers(of), PriceBook(), now=utc(at)
    )


def changed(before, wanted, *versions, at, known=None, **wishes):
    """The one step of a change."""
    (step,) = change(
        before, ChangeOrder(wanted, Wishes(**wishes)), known or build.offers(*versions), PriceBook(), now=utc(at)
    )
    return step
