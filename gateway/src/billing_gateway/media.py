"""What a body may be: JSON everywhere, but where a service reads the body raw."""

from __future__ import annotations

from collections.abc import Mapping

JSON_MEDIA = ("application/json",)
BODY_MEDIA: Mapping[str, tuple[str, ...]] = {
    "/v1/usage/cloudevents": (
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/x-ndjson",
    ),
}
"""By path; a method whose body is google.api.HttpBody must be here."""
