"""`kalends`: a command is a small function, in the file of its family, with its arguments and its help.

Answers go to standard output, progress and complaints to standard error. What a command needs is imported when it
runs: a list of calendars must not wait for the web framework.
"""

from app.cli.run import main
from app.cli.serving import DATABASE_NAME

__all__ = ["DATABASE_NAME", "main"]
