"""iTIP (RFC 5546): what arrived about one UID, and what all of it together means. Pure.

Everything rests on one idea: a thread keeps, for the whole event and for each of its dates, the newest invitation and
the newest cancellation, and its meaning is a function of those alone. Mail may therefore come late, twice, and in any
order. From the bottom up: `moments` (texts for dates, walls, instants), `component` (what a VEVENT says), `thread`
(what is kept), `absorb` (a message comes in), `replies` (answers to our own events), `meaning` (what is to be stored),
`importance` (whether an answer still holds).
"""

from app.core.itip.absorb import Verdict, absorb
from app.core.itip.component import Attendee, Component, Message, Person, When, by_uid
from app.core.itip.importance import asks_again, changed
from app.core.itip.meaning import Future, Meaning, meaning, on_date, series_of
from app.core.itip.moments import format_moment, parse_moment
from app.core.itip.replies import Ours
from app.core.itip.thread import Answer, Slot, Thread, thread_from_json, thread_to_json

__all__ = [
    "Answer",
    "Attendee",
    "Component",
    "Future",
    "Meaning",
    "Message",
    "Ours",
    "Person",
    "Slot",
    "Thread",
    "Verdict",
    "When",
    "absorb",
    "asks_again",
    "by_uid",
    "changed",
    "format_moment",
    "meaning",
    "on_date",
    "parse_moment",
    "series_of",
    "thread_from_json",
    "thread_to_json",
]
