"""The operations on agents and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.agents.schemas import AgentFields, KeyCreate
from app.pages.catalogue.shape import Answer, Example, Operation, Parameter

SECTION: Final = "Agents and keys"

_UPDATE: Final = Operation(
    id="update_agent",
    method="PATCH",
    path="/agents/me",
    section=SECTION,
    summary="Change the agent",
    description="Changes what is given; null clears. Never a key.",
    scope="full",
    request=AgentFields,
    answers=(Answer(200, "The agent as it is now.", "Agent"),),
    examples=(Example(body={"description": "Plans the week of the sales team"}),),
)

OPERATIONS: Final = (
    Operation(
        id="create_agent",
        method="POST",
        path="/agents",
        section=SECTION,
        summary="Make an agent and its first key",
        description="Not even a body is needed. The key has scope `full` and is shown once. One address "
        "may make a limited number of agents an hour.",
        scope=None,
        limited=True,
        request=AgentFields,
        body_required=False,
        answers=(Answer(201, "The agent, with its key.", "NewAgent"),),
        examples=(Example(body={"name": "Ada"}, keeps={"$AGENT": "agent_id", "$KALENDS_API_KEY": "api_key"}),),
    ),
    Operation(
        id="get_agent",
        method="GET",
        path="/agents/me",
        section=SECTION,
        summary="Read the agent behind the key",
        description="The quickest way to see whether a key works.",
        scope="read",
        answers=(Answer(200, "The agent.", "Agent"),),
        examples=(Example(),),
    ),
    _UPDATE,
    replace(
        _UPDATE,
        id="update_agent_as_caldave",
        path="/agents",
        summary="Change the agent, at CalDave's path",
        description="The same as PATCH /agents/me.",
    ),
    Operation(
        id="delete_agent",
        method="DELETE",
        path="/agents/me",
        section=SECTION,
        summary="Remove the agent and everything it has",
        description="All its keys, calendars, events and feeds. It cannot be undone.",
        scope="full",
        query=(Parameter("confirm", {"type": "string"}, "The agent's id, to say that it is meant.", required=True),),
        raises=("confirmation_required",),
        answers=(Answer(204, "Removed."),),
        examples=(Example(query={"confirm": "$AGENT"}),),
    ),
    Operation(
        id="create_key",
        method="POST",
        path="/agents/keys",
        section=SECTION,
        summary="Make another key",
        description="With a scope that suffices for its use, and an expiry if it is lent out. The secret is "
        "shown once.",
        scope="full",
        request=KeyCreate,
        raises=("invalid_time",),
        answers=(Answer(201, "The key, with its secret.", "NewKey"),),
        examples=(
            Example(
                body={"name": "dashboard", "scope": "read", "expires_at": "2028-01-31T12:00:00Z"},
                keeps={"$KEY_ID": "key_id"},
            ),
        ),
    ),
    Operation(
        id="list_keys",
        method="GET",
        path="/agents/keys",
        section=SECTION,
        summary="List the keys",
        description="Without their secrets; `last_used_at` may lag by a second.",
        scope="read",
        answers=(Answer(200, "The keys.", "Keys"),),
        examples=(Example(),),
    ),
    Operation(
        id="delete_key",
        method="DELETE",
        path="/agents/keys/{key_id}",
        section=SECTION,
        summary="Revoke a key",
        description="Dead at once and everywhere. The last living key of scope `full` stays.",
        scope="full",
        raises=("conflict",),
        answers=(Answer(204, "Revoked."),),
        examples=(Example(path={"key_id": "$KEY_ID"}),),
    ),
)
