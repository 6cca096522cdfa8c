"""Rules that must hold in production: each query returns the rows that break it."""

INVARIANTS = {
    "registrations_never_overlap": """
        SELECT a.registration_id FROM registration a JOIN registration b
          ON a.tenant_id = b.tenant_id AND a.seller_id = b.seller_id AND a.country = b.country AND a.region = b.region
         AND a.scheme = b.scheme AND a.registration_id < b.registration_id
         AND tstzrange(a.start_at, a.end_at) && tstzrange(b.start_at, b.end_at)
    """,
}
