"""What is told of each kind of answer besides its JSON: what happened, under which ids, and what to do next."""

from __future__ import annotations

from typing import Any

from app.core.wording import numbered
from app.mcp.event_words import SHOWN_MOST, day, one_line, say_event, say_list, say_written
from app.mcp.telling import Telling, short


def created_event(event: Any, to: Telling) -> None:
    say_written("Written:", event, to)


def created_events(outcome: Any, to: Telling) -> None:
    to.line(
        f"{outcome['created']} written, {outcome['replayed']} known before, {outcome['failed']} refused, "
        f"of {numbered(len(outcome['results']), 'event')}."
    )
    for result in outcome["results"][:SHOWN_MOST]:
        event = result.get("event")
        what = one_line(event, to) if event else f"refused: {result['error']} {result.get('hint', '')}".rstrip()
        to.line(f"{result['index']} · {what}")


def explained(found: Any, to: Telling) -> None:
    to.line(found["reads"])
    to.lines(f"{each['start_local']} to {each['end_local']}" for each in found["next_dates"][:5])
    to.lines(f"Note: {notice}" for notice in found["notices"])


def updated_event(event: Any, to: Telling) -> None:
    say_written("Now:", event, to)


def deleted_event(removal: Any, to: Telling) -> None:
    if to.is_preview:
        to.line(f"What would be removed, {removal['removes']}: {one_line(removal['event'], to)}")
    else:
        to.line("Done: it is removed, or as one date of a series cancelled; a cancelled date stays listed as such.")


def read_event(event: Any, to: Telling) -> None:
    say_event(event, to)
    to.line(f"etag {event['etag']}: give it as if_match, and a change of what others changed meanwhile is refused.")


def answered_event(event: Any, to: Telling) -> None:
    to.line(f"{event['message']} {one_line(event, to)}")
    to.line(f"Mail to the organiser: {event['email_status']}.")


def listed_events(page: Any, to: Telling) -> None:
    events = page["events"]
    to.line(
        f"{numbered(len(events), 'event')} (calendar's zone: {page['timezone']})." if events else "No events there."
    )
    say_list(events, to)
    if page["next_cursor"]:
        to.line(f"There are more: call again with the same arguments and cursor={page['next_cursor']}.")


def upcoming_events(found: Any, to: Telling) -> None:
    events = found["events"]
    starts_in = found["next_event_starts_in"]
    to.line(f"The next event starts in {starts_in}." if starts_in else "No event is to come.")
    say_list(events, to)


def read_text(text: Any, to: Telling) -> None:
    to.block(text)


def imported(found: Any, to: Telling) -> None:
    counts = ", ".join(f"{found[name]} {name}" for name in ("created", "updated", "unchanged", "ignored"))
    to.line(f"{'It would be' if to.is_preview else 'Of the file'}: {counts}.")
    ignored = [each for each in found["results"] if each["status"] == "ignored"]
    for each in ignored[:SHOWN_MOST]:
        words = to.quote(uid=each.get("ical_uid", ""), reason=each["reason"])
        to.line(f"ignored ({each['code']}): {words}")


def created_calendar(calendar: Any, to: Telling) -> None:
    to.line(f"Made the calendar “{short(calendar['name'])}” ({calendar['calendar_id']}) in {calendar['timezone']}.")
    to.line(f"People subscribe to {calendar['ical_feed_url']} - as secret as the calendar.")
    _say_webhook(calendar, to)
    to.line(f"Mail to {calendar['email']} reaches it. Next: create_event.")


def updated_calendar(calendar: Any, to: Telling) -> None:
    to.line(f"Now: {_calendar(calendar)}")
    _say_webhook(calendar, to)
    to.line(f"etag {calendar['etag']}.")


def read_calendar(calendar: Any, to: Telling) -> None:
    to.line(_calendar(calendar))
    if calendar["ical_feed_url"]:
        to.line(f"People subscribe to {calendar['ical_feed_url']} - as secret as the calendar.")
        to.line(f"Providers hand in mail at {calendar['inbound_webhook_url']} - a secret too.")
    _say_webhook(calendar, to)
    to.line(f"etag {calendar['etag']}.")


def deleted_calendar(_: Any, to: Telling) -> None:
    to.line("Removed, with its events, its log and its addresses.")


def listed_calendars(found: Any, to: Telling) -> None:
    calendars = found["calendars"]
    to.line(f"{numbered(len(calendars), 'calendar')}." if calendars else "No calendar yet. Next: create_calendar.")
    to.lines(_calendar(calendar) for calendar in calendars[:50])


def rotated(found: Any, to: Telling) -> None:
    to.line("New, and the old addresses are dead:")
    to.lines(f"{name}: {value}" for name, value in found.items() if name != "calendar_id")


def read_agent(agent: Any, to: Telling) -> None:
    name = f", “{short(agent['name'])}”" if agent["name"] else ""
    to.line(f"The key works: you are {agent['agent_id']}{name}.")


def listed_changes(page: Any, to: Telling) -> None:
    changes = page["changes"]
    to.line(f"{numbered(len(changes), 'change')}." if changes else "Nothing new.")
    for change in changes[:50]:
        event = change.get("event")
        what = one_line(event, to) if event else change["event_id"] or "the calendar itself"
        to.line(f"{change['seq']} · {change['type']} · {what}")
    seen = changes[-1]["seq"] if changes else page["last_seq"]
    more = "" if seen >= page["last_seq"] else f" There are more, up to {page['last_seq']}."
    to.line(f"Go on with since={seen}; with wait=25 the answer comes as soon as something changes.{more}")


def created_webhook(webhook: Any, to: Telling) -> None:
    to.line(f"Made {_webhook(webhook)}")
    if webhook.get("secret"):
        to.line(f"Its messages are signed with {webhook['secret']}, shown this once.")


def listed_webhooks(found: Any, to: Telling) -> None:
    webhooks = found["webhooks"]
    to.line(f"{numbered(len(webhooks), 'webhook')}." if webhooks else "No webhook yet.")
    to.lines(_webhook(webhook) for webhook in webhooks[:50])


def deleted_webhook(_: Any, to: Telling) -> None:
    to.line("Removed; what waited for it is given up.")


def listed_deliveries(page: Any, to: Telling) -> None:
    to.line(f"{numbered(len(page['logs']), 'message')}, the newest first." if page["logs"] else "Nothing was sent yet.")
    for each in page["logs"][:25]:
        last = each["attempts"][-1]["status_code"] if each["attempts"] else None
        answered = f" · last answered {last}" if last else ""
        to.line(f"{each['id']} · {each['type']} · {_standing(each)}{answered}")
    _say_cursor(page, to)


def listed_mails_out(page: Any, to: Telling) -> None:
    to.line(f"{numbered(len(page['logs']), 'mail')}, the newest first." if page["logs"] else "No mail was sent yet.")
    for each in page["logs"][:25]:
        whom = to.quote(to=each["to"]) if each["method"] == "REPLY" else each["to"]  # who invited chose the address
        to.line(f"{each['id']} · {each['method']} to {whom} · {_standing(each)}")
    _say_cursor(page, to)


def listed_mails_in(page: Any, to: Telling) -> None:
    mails = page["mails"]
    to.line(f"{numbered(len(mails), 'mail')}, the newest first." if mails else "No mail came in.")
    for mail in mails[:25]:
        made = f" · events {', '.join(mail['event_ids'])}" if mail["event_ids"] else ""
        words = to.quote(**{"from": mail["from"], "subject": mail["subject"], "what was said of it": mail["reason"]})
        to.line(f"{mail['id']} · {day(mail['received_at'][:10])} · {mail['status']}{made} · its words are {words}")
    _say_cursor(page, to)


def listed_errors(found: Any, to: Telling) -> None:
    errors = found["errors"]
    to.line(f"{numbered(len(errors), 'request')} failed, the newest first." if errors else "Nothing failed lately.")
    for each in errors[:25]:
        hint = f" {each['hint']}" if each.get("hint") else ""
        to.line(f"{each['at']} · {each['method']} {each['path']} · {each['code']}: {each['error']}{hint}")


def read_manual(manual: Any, to: Telling) -> None:
    if "topic" in manual:
        to.line(manual["guide"])
    if (context := manual["your_context"]) is not None:
        _say_context(context, to)
    step = manual["recommended_next_step"]
    to.line(f"Next: {step['description']} Over HTTP that is {step['method']} {step['path']}; there is a tool for it.")
    to.line(f"Topics: {', '.join(topic['name'] for topic in manual['topics'])}.")


def _say_context(context: Any, to: Telling) -> None:
    for calendar in context["calendars"]:
        event = calendar["next_event"]
        coming = f"next {_coming(event, event['id'], to)}" if event else "nothing to come"
        to.line(f"{calendar['calendar_id']} · “{short(calendar['name'])}” · {calendar['timezone']} · {coming}")
    for each in context["pending_invitations"]:
        to.line(f"Waits for an answer in {each['calendar_id']}: {_coming(each, each['event_id'], to)}")
    if context["recent_errors"]:
        to.line(f"{numbered(len(context['recent_errors']), 'request')} failed lately: see list_errors.")


def _coming(event: Any, event_id: str, to: Telling) -> str:
    if event.get("untrusted"):
        what = f"its words are {to.quote(title=event['title'], organiser=event.get('organiser_email'))}"
    else:
        what = f"“{short(event['title'])}”"
    return f"{event_id} · {event['start']} · {what}"


def _calendar(calendar: Any) -> str:
    return f"{calendar['calendar_id']} · “{short(calendar['name'])}” · {calendar['timezone']} · {calendar['email']}"


def _say_webhook(calendar: Any, to: Telling) -> None:
    if calendar.get("webhook_url"):
        to.line(f"Its webhook is {calendar['webhook_url']}, called at {', '.join(calendar['webhook_offsets'])}.")
    if calendar.get("webhook_secret"):
        to.line(f"Its messages are signed with {calendar['webhook_secret']}, shown this once.")


def _webhook(webhook: Any) -> str:
    state = "" if webhook["active"] else f" · switched off: {webhook['disabled_reason']}"
    return f"{webhook['id']} · {webhook['url']} · {', '.join(webhook['types'] or ['all types'])}{state}"


def _standing(delivery: Any) -> str:
    return f"{delivery['status']} ({delivery['reason']})" if delivery["reason"] else str(delivery["status"])


def _say_cursor(page: Any, to: Telling) -> None:
    if page["next_cursor"]:
        to.line(f"There are more: call again with cursor={page['next_cursor']}.")
