"""The summary of a soak, as a table."""

from __future__ import annotations

from statistics import quantiles

from tests.soak.soak import Result


def report(result: Result) -> str:
    lines = [
        "| requests | answered | refused, 503 | cut | p50 ms | p99 ms | longest ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, statuses in sorted(result.tally.statuses.items()):
        seconds = sorted(result.tally.seconds[kind])
        p50, p99 = (quantiles(seconds, n=100)[at] for at in (49, 98)) if len(seconds) > 1 else (seconds[0], seconds[0])
        answered = sum(count for status, count in statuses.items() if 0 < status < 500)
        figures = f"{p50 * 1000:.1f} | {p99 * 1000:.1f} | {seconds[-1] * 1000:.0f}"
        lines.append(f"| {kind} | {answered} | {statuses[503]} | {statuses[0]} | {figures} |")
    sampler, kills = result.sampler, result.kills
    lines += [
        "",
        "| of the whole run | |",
        "|---|---|",
        f"| seconds | {result.seconds:.0f} |",
        f"| killed | Postgres {kills['postgres']}, web process {kills['web']}, worker {kills['worker']} times |",
        f"| longest without the database | {result.away:.1f} s |",
        f"| writes acknowledged | {result.ledger.acknowledged} made, {len(result.ledger.titles)} events followed |",
        f"| of these lost | {len(result.lost)} |",
        f"| deliveries owed, missing, made twice | {result.owed}, {result.missing}, {result.twice} |",
        f"| answers 500, or 503 without Retry-After | {len(result.tally.bad)} |",
        f"| traces in logs | {len(result.traces)} |",
        f"| memory of the web process that lives throughout | {sampler.rss:.0f} MB, {sampler.growth:+.1f} MB since the "
        "warm-up |",
        f"| its open descriptors, at most | {sampler.most_files} |",
        f"| connections to the database, at most | {sampler.most_connections} of {result.connections_most} |",
    ]
    return "\n".join(lines)
