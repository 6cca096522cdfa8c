"""Rules that must hold in production: each query returns the rows that break it. The runtime asks them on a timer.

What the gateway did is read from its own book, not from ours.
"""

from collections.abc import Mapping

UNCLEAR_MAX = "5 minutes"

INVARIANTS: Mapping[str, str] = {
    "captured_at_most_once": """
        SELECT payment_id FROM sandbox_charge WHERE captured_at IS NOT NULL
        GROUP BY payment_id HAVING count(*) > 1
    """,
    "succeeded_is_captured": """
        SELECT payment.payment_id FROM payment
        JOIN payment_attempt AS attempt ON attempt.payment_id = payment.payment_id AND attempt.state = 'SUCCEEDED'
        LEFT JOIN sandbox_charge AS charge ON charge.attempt_id = attempt.attempt_id
            AND charge.captured_at IS NOT NULL
            AND charge.amount_minor = payment.amount_minor AND charge.currency = payment.currency
            AND charge.amount_minor = attempt.amount_minor AND charge.currency = attempt.currency
        WHERE payment.state = 'SUCCEEDED' AND attempt.gateway = 'sandbox' AND charge.attempt_id IS NULL
    """,
    "succeeded_has_its_attempt": """
        SELECT payment.payment_id FROM payment
        LEFT JOIN payment_attempt AS attempt
            ON attempt.payment_id = payment.payment_id AND attempt.state = 'SUCCEEDED'
        WHERE (payment.state = 'SUCCEEDED') <> (attempt.attempt_id IS NOT NULL)
    """,
    "captured_is_succeeded": f"""
        SELECT charge.attempt_id FROM sandbox_charge AS charge
        LEFT JOIN payment ON payment.payment_id = charge.payment_id
        WHERE charge.captured_at < clock_timestamp() - interval '{UNCLEAR_MAX}'
            AND payment.state IS DISTINCT FROM 'SUCCEEDED'
    """,
    "nothing_stays_unclear": f"""
        SELECT attempt_id FROM payment_attempt
        WHERE state IN ('PROCESSING', 'UNKNOWN') AND in_flight_since < clock_timestamp() - interval '{UNCLEAR_MAX}'
    """,
}
