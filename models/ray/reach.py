"""Connects a process to a cluster, and finds out whether that cluster still exists."""

from __future__ import annotations

import logging
import os
import socket

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from models.ray.plan import NAMESPACE

PATIENCE = 5.0
"""Seconds within which the head node must accept a connection. Ray itself retries for minutes."""


def join(address: str) -> None:
    """Connect this process to a cluster: `auto`, or host and port. Raises any exception of Ray's, or OSError."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
            pass
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)


def still_there() -> bool:
    """Whether this process belongs to the cluster at the address that it joined: there may be a new one by now.

    Any exception of Ray's, or OSError, if nothing answers there.
    """
    context = ray.get_runtime_context()
    host, _, port = context.gcs_address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
        pass
    here = context.get_node_id()
    return any(node["Alive"] and node["NodeID"] == here for node in ray.nodes())
