"""A Ray cluster on this machine: a head without computing resources, and worker nodes, each with its own processes.

https://docs.ray.io/en/latest/cluster/cli.html#ray-start
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import Mapping

from cluster.processes import ROOT, ProcessEnded, Processes, Program, python

HOST = "127.0.0.1"
OBJECTS = 100_000_000
"""Bytes that a node reserves for large results, of which the bot has none."""
ATTEMPTS = 3
STARTED = "Ray runtime started"
"""What a node says once it runs."""
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),  # where the workers find this project
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_NUM_THREADS": "1",
}


def why_not() -> str:
    """The reason why no cluster can be started here; "" if one can."""
    return "" if importlib.util.find_spec("ray") else "Ray is not installed (pip install 'tokenwise[ray]')"


async def start_ray(processes: Processes, nodes: int = 2, cpus: int = 4) -> str:
    """Start a head and worker nodes; returns the cluster's address.

    `cpus` is the number of CPUs that each node declares; it is used for scheduling and is not a limit.
    """
    port, clients, dashboard = free_ports(3)
    address = f"{HOST}:{port}"
    await _started(
        processes,
        "ray head",
        "--head",
        f"--port={port}",
        f"--ray-client-server-port={clients}",
        f"--temp-dir={processes.folder / 'ray'}",
        "--num-cpus=0",
        "--include-dashboard=false",
        f"--dashboard-port={dashboard}",
    )
    for number in range(1, nodes + 1):
        await _started(processes, f"ray worker {number}", f"--address={address}", f"--num-cpus={cpus}")
    return address


async def _started(processes: Processes, name: str, *options: str) -> Program:
    """A running node. Ray times out early on a busy machine, so there are several attempts; raises ProcessEnded if all
    fail.
    """
    for left in reversed(range(ATTEMPTS)):
        program = await processes.start(name, _start(*options), ENVIRONMENT)
        while program.running:
            if STARTED in program.told():
                return program
            await asyncio.sleep(0.1)
        said = program.told()
        await processes.end(program)
        if not left:
            break
        program.log.unlink()
    raise ProcessEnded(f"{name} ended:\n{said}")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _start(*options: str) -> list[str]:
    """The command line of a node, with ports that do not conflict with other nodes on this machine."""
    return [
        *python("-m", "ray.scripts.scripts", "start", "--block"),
        f"--node-ip-address={HOST}",
        f"--object-store-memory={OBJECTS}",
        "--min-worker-port=0",
        "--max-worker-port=0",
        f"--dashboard-agent-listen-port={free_ports(1)[0]}",
        *options,
    ]


def settings(address: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings that connect the bot to this cluster, as environment variables."""
    return {
        **ENVIRONMENT,
        "TOKENWISE_INFERENCE__BACKEND": "ray",
        "TOKENWISE_INFERENCE__ADDRESS": address,
        **(environment or {}),
    }
