"""Benchmarks: ratios against a named baseline, measured in the same run."""

from models.threads import wait_briefly

wait_briefly()  # as the bot does, and before torch is imported
