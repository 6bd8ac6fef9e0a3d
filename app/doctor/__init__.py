"""Examines a deployment from outside: its settings, and what they name. A check is a function that gives findings."""
