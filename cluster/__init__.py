"""The whole bot as multiple processes on one machine: a database server, Ray, several bots, and a shared sandbox.

`python -m cluster` demonstrates it; tests and benchmarks start the parts they need.
"""
