"""An attack on everything that reads what strangers send: ``python -m benchmarks.attack`` (see SECURITY.md)."""
