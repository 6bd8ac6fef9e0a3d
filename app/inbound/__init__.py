"""Mail that comes in: taken over HTTP from Postmark and AgentMail, stored, then interpreted.

From the bottom up: `members` (foreign JSON, read member by member), `mail` (a mail as it is kept), `postmark` and
`agentmail` (from a provider's payload to one), `senders` (what is said of the sender), `reading` (the calendars in it),
`interpreting` (what they change), `service` (stored first, interpreted after), `retries` (what waits), `listing` (what
came in, for the agent), `door` (who may hand mail in, and how much of it), `routes`.
"""
