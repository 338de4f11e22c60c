"""Benchmarks of hfscore, each beside named baselines and a measured ceiling: `python -m benchmarks --help`."""
