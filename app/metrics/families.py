"""Everything that a process counts of itself, each with what it means; docs/operations.md says when to worry."""

from __future__ import annotations

from typing import Final

from app.metrics.instruments import Counter, Gauge, Histogram

_REQUESTS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)  # seconds; 10: statements end
_ATTEMPTS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 60)  # seconds; 15: webhooks' limit, 60: mail's
_LATENESS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60, 300, 3600)  # seconds; reminders are given up after 3,600
_LAG: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)  # seconds
_JOBS: Final = (0.1, 1, 5, 15, 60, 300, 900, 3600)  # seconds

_LIMITS: Final = ("default", "agents", "inbound")

# Requests.
REQUESTS: Final = Histogram(
    "kalends_http_request_duration_seconds",
    "Requests by method, template of their path, and status of the answer. Those that wait for changes are apart.",
    _REQUESTS,
    "method",
    "route",
    "status",
)
UNDER_WAY: Final = Gauge("kalends_http_requests_under_way", "Requests that are not answered yet.")
WAITERS: Final = Gauge("kalends_waiters", "Requests among them that wait for a change in a calendar.")
LIMITED: Final = Counter(
    "kalends_rate_limit_refusals_total", "Requests answered with 429, by the limit.", "limit", known=_LIMITS
)
LEASES: Final = Counter(
    "kalends_rate_limit_leases_total",
    "Blocks of a limit's window asked of the database, by the limit.",
    "limit",
    known=_LIMITS,
)
SUBJECTS: Final = Gauge("kalends_rate_limit_subjects", "Keys, addresses and calendars whose requests are counted.")
FEED_READS: Final = Counter(
    "kalends_feed_cache_reads_total",
    "Feeds given out, by whether they were in memory: hit or miss.",
    "result",
    known=("hit", "miss"),
)
FEED_BYTES: Final = Gauge("kalends_feed_cache_bytes", "Bytes of feeds kept in memory.")

# What is sent.
ATTEMPTS: Final = Histogram(
    "kalends_delivery_attempt_duration_seconds",
    "Attempts at deliveries by kind (webhook, mail) and outcome (delivered, pending: tried again, failed).",
    _ATTEMPTS,
    "kind",
    "outcome",
)
LATENESS: Final = Histogram(
    "kalends_delivery_lateness_seconds",
    "From the moment a message was due to its first attempt, by what it is: reminder, change, mail or test.",
    _LATENESS,
    "type",
)
GIVEN_UP: Final = Counter(
    "kalends_deliveries_failed_total", "Deliveries that ended without success, by kind and reason.", "kind", "reason"
)
SWITCHED_OFF: Final = Counter("kalends_endpoints_disabled_total", "Webhooks switched off because of their answers.")

# What comes in.
MAILS: Final = Counter(
    "kalends_inbound_mails_total",
    "Mails by what became of an attempt at them: created, updated, cancelled, ignored, not_fetched or fault.",
    "outcome",
    known=("created", "updated", "cancelled", "ignored", "not_fetched", "fault"),
)

# Work without a request.
JOBS: Final = Histogram(
    "kalends_job_duration_seconds", "Runs of upkeep and of the daily jobs, by outcome.", _JOBS, "job", "outcome"
)
JOB_SUCCEEDED: Final = Gauge(
    "kalends_job_last_success_timestamp_seconds", "When the job last succeeded.", "job", is_newest=True
)
EVENTS: Final = Counter("kalends_log_events_total", "Lines of the log but those of requests, by their event.", "event")

# Connections to the database.
POOL_SIZE: Final = Gauge("kalends_pool_connections", "Connections that a pool has.", "pool")
POOL_MOST: Final = Gauge("kalends_pool_connections_max", "Connections that a pool may have.", "pool")
POOL_IN_USE: Final = Gauge("kalends_pool_connections_in_use", "Connections that are at work.", "pool")
POOL_WAITING: Final = Gauge("kalends_pool_waiting", "Requests that wait for a connection.", "pool")
POOL_USES: Final = Gauge("kalends_pool_uses_total", "How often a connection was asked for.", "pool", grows=True)
POOL_QUEUED: Final = Gauge("kalends_pool_waits_total", "How often one had to be waited for.", "pool", grows=True)
POOL_WAITED: Final = Gauge("kalends_pool_wait_seconds_total", "Seconds waited for one, in all.", "pool", grows=True)
POOL_TIMEOUTS: Final = Gauge(
    "kalends_pool_timeouts_total", "How often none came in time, and the answer was 503.", "pool", grows=True
)
POOL_LOST: Final = Gauge("kalends_pool_connections_lost_total", "Connections that were lost.", "pool", grows=True)

# The process.
STARTED: Final = Gauge("process_start_time_seconds", "When the process started, in seconds since the epoch.")
MEMORY: Final = Gauge("process_resident_memory_bytes", "Memory that the process holds.")
CPU: Final = Gauge("process_cpu_seconds_total", "Processor time used, in user mode and in the kernel.", grows=True)
FILES: Final = Gauge("process_open_fds", "Files and sockets that are open.")
LAG: Final = Histogram(
    "kalends_event_loop_lag_seconds",
    "How much later than it wanted a task ran that wants to run every half second.",
    _LAG,
)
