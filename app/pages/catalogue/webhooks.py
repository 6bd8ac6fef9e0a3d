"""The operations on webhooks: endpoints, and what was sent to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.pages.catalogue.shape import Answer, Example, Operation, Parameter
from app.webhooks.deliveries import LOGS_DEFAULT, LOGS_MOST, REPLAY_MOST, STATUSES
from app.webhooks.schemas import EndpointCreate, EndpointUpdate, Replay

SECTION: Final = "Webhooks"
_HERE: Final = {"calendar_id": "$CALENDAR"}
_ONE: Final = {"endpoint_id": "$ENDPOINT"}

_TEST: Final = Operation(
    id="test_calendar_webhook",
    method="POST",
    path="/calendars/{calendar_id}/webhook/test",
    section=SECTION,
    summary="Call a calendar's webhook_url once, now",
    description="Waits for the answer and tells it. An address that cannot be reached is no error of this request: "
    "`success` is false then.",
    scope="full",
    raises=("invalid_field",),
    answers=(Answer(200, "How it went.", "WebhookTest"),),
    examples=(Example(path=_HERE, keeps={"$DELIVERY": "delivery_id"}),),
)

OPERATIONS: Final = (
    Operation(
        id="create_webhook",
        method="POST",
        path="/webhooks",
        section=SECTION,
        summary="Have an address called",
        description="For events of all calendars or of some, of all types or of some. Each calendar has an address of "
        "its own besides, its `webhook_url`. The secret is shown once, unless you gave it.",
        scope="full",
        request=EndpointCreate,
        raises=("quota_exceeded",),
        answers=(Answer(201, "The webhook, with its secret.", "NewWebhook"),),
        examples=(
            Example(
                body={"url": "$HOOK", "types": ["event.upcoming", "event.created"]},
                keeps={"$ENDPOINT": "id"},
            ),
        ),
    ),
    Operation(
        id="list_webhooks",
        method="GET",
        path="/webhooks",
        section=SECTION,
        summary="List the webhooks",
        description="The calendars' own addresses among them.",
        scope="read",
        answers=(Answer(200, "The webhooks.", "Webhooks"),),
        examples=(Example(),),
    ),
    Operation(
        id="get_webhook",
        method="GET",
        path="/webhooks/{endpoint_id}",
        section=SECTION,
        summary="Read a webhook",
        description="`active` is false where it was switched off, and `disabled_reason` says why.",
        scope="read",
        answers=(Answer(200, "The webhook.", "Webhook"),),
        examples=(Example(path=_ONE),),
    ),
    Operation(
        id="update_webhook",
        method="PATCH",
        path="/webhooks/{endpoint_id}",
        section=SECTION,
        summary="Change a webhook, or switch it on or off",
        description="Changes what is given; null for types or calendars means all. A new url, or `active: true`, "
        "switches on again what was disabled; what it missed meanwhile can be replayed.",
        scope="full",
        request=EndpointUpdate,
        answers=(Answer(200, "The webhook as it is now.", "Webhook"),),
        examples=(Example(path=_ONE, body={"types": None, "active": True}),),
    ),
    Operation(
        id="rotate_webhook_secret",
        method="POST",
        path="/webhooks/{endpoint_id}/rotate",
        section=SECTION,
        summary="Make a webhook's secret anew",
        description="For 24 hours messages are signed with both, so that the receiver can change over at leisure.",
        scope="full",
        answers=(Answer(200, "The new secret.", "RotatedWebhook"),),
        examples=(Example(path=_ONE),),
    ),
    Operation(
        id="delete_webhook",
        method="DELETE",
        path="/webhooks/{endpoint_id}",
        section=SECTION,
        summary="Remove a webhook",
        description="What waits for it is given up. A calendar's own goes by clearing its `webhook_url`.",
        scope="full",
        answers=(Answer(204, "Removed."),),
        examples=(Example(path=_ONE),),
    ),
    _TEST,
    replace(
        _TEST,
        id="test_webhook",
        path="/webhooks/{endpoint_id}/test",
        summary="Call any webhook once, now",
        raises=(),
        examples=(Example(path=_ONE),),
    ),
    Operation(
        id="list_webhook_logs",
        method="GET",
        path="/calendars/{calendar_id}/webhook-logs",
        section=SECTION,
        summary="See what was sent, what waits and what failed",
        description="The newest first, each with every attempt and the beginning of its answer.",
        scope="read",
        query=(
            Parameter("status", {"type": "string", "enum": list(STATUSES)}, "Keeps one status."),
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": LOGS_MOST, "default": LOGS_DEFAULT},
                "Deliveries a page; more is taken as the most.",
            ),
            Parameter("cursor", {"type": "string"}, "next_cursor of the page before."),
        ),
        answers=(Answer(200, "A page.", "WebhookLogs"),),
        examples=(Example(path=_HERE, query={"limit": "2"}),),
    ),
    Operation(
        id="retry_delivery",
        method="POST",
        path="/calendars/{calendar_id}/deliveries/{delivery_id}/retry",
        section=SECTION,
        summary="Send one message again",
        description="A new round of attempts, beginning now, under the same `webhook-id`.",
        scope="full",
        raises=("conflict",),
        answers=(Answer(200, "The delivery, pending.", "Delivery"),),
        examples=(Example(path={**_HERE, "delivery_id": "$DELIVERY"}),),
    ),
    Operation(
        id="replay",
        method="POST",
        path="/calendars/{calendar_id}/replay",
        section=SECTION,
        summary="Send a calendar's changes again",
        description="From a number of the log on, to every webhook that wants them now; a message that was sent before "
        f"keeps its `webhook-id`, so that a receiver can tell. Up to {REPLAY_MOST:,} changes a request: go on with "
        "`since` as the `through` of the answer.",
        scope="full",
        request=Replay,
        answers=(Answer(200, "How many messages that makes.", "Replayed"),),
        examples=(Example(path=_HERE, body={"since": 0}),),
    ),
)
