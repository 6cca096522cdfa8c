"""Rules of discounts, credits and account credit: each query returns the rows that break it."""

CREDIT_INVARIANTS = {
    "discounts_add_up": """
        SELECT line_id FROM invoice_line AS line
        WHERE amount_minor - discount_minor <> net_minor + CASE tax_behavior WHEN 'inclusive' THEN tax_minor ELSE 0 END
            OR discount_minor <> (
                SELECT coalesce(sum((part ->> 'amount_minor')::bigint), 0) FROM json_array_elements(discounts) AS part
            )
        UNION ALL
        SELECT invoice.invoice_id FROM invoice LEFT JOIN invoice_line AS line USING (tenant_id, invoice_id)
        GROUP BY invoice.invoice_id, invoice.discount_minor
        HAVING coalesce(sum(line.discount_minor), 0) <> invoice.discount_minor
    """,
    "credits_within_their_line": """
        SELECT line.line_id FROM invoice_line AS credit JOIN invoice USING (tenant_id, invoice_id)
        JOIN invoice AS repaired
            ON repaired.tenant_id = credit.tenant_id AND repaired.invoice_id = credit.credit_of_invoice_id
        JOIN invoice_line AS line ON line.tenant_id = credit.tenant_id
            AND line.invoice_id = credit.credit_of_invoice_id AND line.line_id = credit.credit_of_line_id
        WHERE credit.credit_of_charge_id IS NOT NULL AND invoice.state <> 'void'
        GROUP BY line.line_id, line.amount_minor, line.net_minor, line.tax_minor, repaired.state
        HAVING line.amount_minor + sum(credit.amount_minor) < 0 OR line.net_minor + sum(credit.net_minor) < 0
            OR line.tax_minor + sum(credit.tax_minor) < 0 OR repaired.state = 'void'
    """,
    "credits_are_guarded": """
        SELECT credit.line_id FROM invoice_line AS credit LEFT JOIN line_credit AS held
            ON held.tenant_id = credit.tenant_id AND held.charge_id = credit.credit_of_charge_id
            AND held.invoice_id = credit.invoice_id AND held.credit_charge_id = credit.charge_id
        WHERE credit.credit_of_charge_id IS NOT NULL AND held.charge_id IS NULL
    """,
    "account_credit_is_its_entries": """
        SELECT customer_id FROM account_credit AS account
        FULL JOIN account_credit_entry AS entry USING (tenant_id, customer_id, currency)
        GROUP BY customer_id, currency, account.balance_minor, account.last_sequence
        HAVING account.balance_minor IS NULL OR account.balance_minor < 0
            OR coalesce(sum(entry.amount_minor), 0) <> account.balance_minor
            OR count(entry.entry_id) <> account.last_sequence
    """,
    "account_credit_is_used_once": """
        SELECT invoice_id FROM invoice LEFT JOIN (
            SELECT tenant_id, invoice_id, sum(amount_minor) FILTER (WHERE kind = 'granted') AS granted,
                -sum(amount_minor) FILTER (WHERE kind = 'applied') AS applied,
                sum(amount_minor) FILTER (WHERE kind = 'returned') AS returned,
                sum(amount_minor) FILTER (WHERE kind = 'unearned') AS unearned
            FROM account_credit_entry GROUP BY tenant_id, invoice_id
        ) AS moved USING (tenant_id, invoice_id) LEFT JOIN (
            SELECT tenant_id, invoice_id, sum(paid_minor) AS received
            FROM applied_payment GROUP BY tenant_id, invoice_id
        ) AS paid USING (tenant_id, invoice_id)
        WHERE coalesce(applied, 0) <> credit_applied_minor
            OR coalesce(returned, 0) <> CASE state WHEN 'void' THEN credit_applied_minor ELSE 0 END
            OR coalesce(unearned, 0) <> CASE state WHEN 'void' THEN coalesce(received, 0) ELSE 0 END
            OR coalesce(granted, 0) <> CASE WHEN number IS NULL THEN 0 ELSE greatest(0, -total_minor) END
    """,
}
