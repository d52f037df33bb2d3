"""The whole bot as many processes on one machine: a database server, Ray, several bots, and a sandbox for them.

`python -m cluster` shows it; tests and benchmarks start the parts that they need.
"""
