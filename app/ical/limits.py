"""What is read of a calendar that somebody else wrote, at most."""

from typing import Final

MAX_CALENDAR: Final = 1_000_000  # characters or bytes from the first BEGIN:VCALENDAR on; 500 plain events have 400,000
MAX_EVENTS: Final = 500  # VEVENTs in one body
MAX_ATTENDEES: Final = 1_000  # ATTENDEE lines of one VEVENT
MAX_UID: Final = 1_000  # octets of UTF-8: an index entry holds it; RFC 7986 5.3 asks for less than 255
MAX_SUMMARY: Final = 500  # characters, as the table of events has it
MAX_LOCATION: Final = 500  # characters, as the table of events has it
MAX_DESCRIPTION: Final = 65_536  # bytes of UTF-8, as the table of events has it
MAX_ADDRESS_LINE: Final = 2_000  # characters of URL or CONFERENCE
MAX_EXDATES: Final = 2_000  # dates; a daily series of five years with every one cancelled
MAX_EXTRA: Final = 32_768  # characters of properties carried verbatim, all of one VEVENT together
MAX_EXTRA_LINE: Final = 16_384  # characters of one of them: an HTML description fits, an inline picture does not
MAX_NOTICES: Final = 20  # sentences about one VEVENT; more are not read
MAX_SEQUENCE: Final = 2**31 - 1  # what the table of events holds
