"""The bench: how fast Kalends is on this machine, beside how fast it could be. `./scripts/bench --help`."""
