"""What must hold in production: each query gives the rows that break its rule."""

from collections.abc import Mapping

from billing_subscriptions.storage.history import BROKEN


def some(parts: int, rows: int) -> str:
    """The condition that names subscriptions whose ids hash behind a random place: one part of `parts`, of about `rows`
    where the tenant has more. Every row is as likely each time, so none is left out for ever, whenever it is asked."""
    turned = "hashtext(subscription_id::text)::bigint + 2147483648 + (SELECT floor(random() * 4294967296)::bigint)"
    part = f"(SELECT 4294967296 / greatest({parts}, count(*) / {rows}) FROM subscription)"
    return f"WHERE mod({turned}, 4294967296) < {part}"


_SOME = some(parts=60, rows=1000)

INVARIANTS: Mapping[str, str] = {
    # due = settled + open: each part of a due is one or the other, and no part is missing.
    "due_is_settled_or_open": """
        SELECT due_id FROM billing_due GROUP BY due_id
        HAVING count(*) <> max(part) OR count(settled_at) NOT IN (0, count(*)) OR count(outcome) <> count(settled_at)
    """,
    "period_billed_once": """
        SELECT subscription_id, period_index FROM billing_due WHERE period_index IS NOT NULL
        GROUP BY subscription_id, period_index, part HAVING count(*) > 1
    """,
    "due_before_next_due": """
        SELECT d.due_id FROM billing_due AS d JOIN subscription AS s USING (subscription_id)
        WHERE d.effective_at >= s.next_due_at AND d.period_index IS NOT NULL
    """,
    "no_due_beyond_current_period": """
        SELECT d.due_id FROM billing_due AS d JOIN subscription AS s USING (subscription_id)
        WHERE d.period_index > s.period_index + 1 OR d.effective_at > s.period_end
    """,
    "subscription_is_fold_of_its_history": BROKEN.format(chosen=_SOME),
    "running_subscription_falls_due": """
        SELECT subscription_id FROM subscription
        WHERE state NOT IN ('PAUSED', 'CANCELED', 'EXPIRED') AND next_due_at IS NULL
    """,
    "subscription_of_published_version": """
        SELECT s.subscription_id FROM subscription AS s JOIN plan_version AS v USING (plan_version_id)
        WHERE v.state = 'DRAFT' OR v.currency <> s.currency AND EXISTS (
            SELECT FROM jsonb_array_elements(v.items) AS item WHERE NOT EXISTS (
                SELECT FROM jsonb_array_elements(item -> 'prices') AS price WHERE price ->> 0 = s.currency
            )
        )
    """,
    "plan_sells_published_version": """
        SELECT p.plan_id FROM plan AS p LEFT JOIN plan_version AS v ON v.plan_version_id = p.current_version_id
        WHERE p.current_version_id IS NOT NULL AND coalesce(v.state, 'DRAFT') = 'DRAFT'
    """,
    "party_versions_without_gap": """
        SELECT c.customer_id FROM customer AS c LEFT JOIN party AS p USING (party_id)
        GROUP BY c.tenant_id, c.customer_id, c.party_version
        HAVING count(p.version) <> c.party_version OR max(p.version) <> c.party_version
    """,
    "archived_customer_has_no_subscription": """
        SELECT s.subscription_id FROM subscription AS s JOIN customer AS c USING (customer_id)
        WHERE c.state = 'ARCHIVED' AND s.state NOT IN ('CANCELED', 'EXPIRED')
    """,
    # Counts and totals are those of the results, also while it runs; old migrations are not counted for ever.
    "migration_counts_its_results": """
        SELECT m.migration_id FROM subscription_migration AS m, LATERAL (
            SELECT count(*) AS results, coalesce(sum(charges_minor), 0) AS charges
            FROM subscription_migration_result AS r
            WHERE r.tenant_id = m.tenant_id AND r.migration_id = m.migration_id
        ) AS found
        WHERE m.worked_at > now() - interval '1 day' AND (
            found.results <> (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(m.counts))
            OR found.charges <> (SELECT coalesce(sum((value ->> 0)::bigint), 0) FROM jsonb_each(m.totals))
        )
    """,
    # A payer bills in the currency of whoever is billed to it, and is there.
    "payer_can_pay": """
        SELECT c.customer_id FROM customer AS c JOIN customer AS p ON p.customer_id = c.parent_customer_id
        WHERE c.billed_to_parent AND (p.state = 'ARCHIVED' OR p.currency <> c.currency)
    """,
    # Along five parents nobody is met twice, and there is an end.
    "no_customer_above_itself": """
        WITH RECURSIVE line AS (
            SELECT customer_id AS start_id, parent_customer_id AS at_id, 1 AS place
            FROM customer WHERE parent_customer_id IS NOT NULL
            UNION ALL
            SELECT line.start_id, c.parent_customer_id, line.place + 1
            FROM line JOIN customer AS c ON c.customer_id = line.at_id
            WHERE c.parent_customer_id IS NOT NULL AND line.place < 6
        )
        SELECT DISTINCT start_id FROM line WHERE at_id = start_id OR place > 5
    """,
}
