"""What vendors do beyond or against RFC 5545, one file each: the producer, the section, the repair.

`app.ical.repairs` lists those that mend a VEVENT before it is read; the reader of lines and that of zones use the
others. Each has a golden calendar of its name in tests/ical/quirks.
"""
