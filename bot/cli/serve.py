"""`serve`: deploys the models on a Ray cluster, which the processes of the bot use."""

from __future__ import annotations

import argparse
import importlib.util

import texts
from bot.cli.arguments import add_config
from bot.cli.failures import NotOnCluster
from bot.cli.terminal import FAILED, complain, loading
from bot.settings.load import load
from bot.settings.schema import Settings
from bot.visible import harmless
from models.failures import RayMissing
from models.ray.plan import News, Plan, SlotPlan
from models.results import SlotStatus, State
from models.specs import Spec

SUMMARY = "start the models on a Ray cluster, show how they are, or stop them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=_deploy)
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION")
    for name, summary, act in (
        ("status", "show which models run on the cluster, where, and how busy they are", _status),
        ("stop", "stop the models on the cluster", _stop),
    ):
        action = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        add_config(action)
        action.set_defaults(usage=action, act=act)


def run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    if settings.inference.backend != "ray":
        raise NotOnCluster
    if importlib.util.find_spec("ray") is None:
        raise RayMissing
    from models.ray import deploying

    with deploying.connected(settings.inference.address):
        code: int = arguments.act(settings)
    return code


def plan(settings: Settings) -> Plan:
    """The deployments that the settings describe."""
    return tuple(_slot_plan(settings, slot, spec) for slot, spec in settings.specs().items())


def _slot_plan(settings: Settings, slot: str, spec: Spec) -> SlotPlan:
    lane, deployment = settings.lane(slot), settings.deployment(slot)
    queued = deployment.max_queued_requests
    return SlotPlan(
        slot,
        spec,
        replicas=deployment.replicas,
        most=max(deployment.replicas, deployment.max_replicas),
        cpus=deployment.cpus,
        gpus=deployment.gpus,
        ongoing=settings.workers(slot),
        queued=lane.queue if queued is None else queued,
        seconds=lane.timeout,
    )


def _deploy(settings: Settings) -> int:
    from models.ray import deploying

    with loading() as progress:

        def watch(news: News) -> None:
            waiting = [status.slot for status in news.slots if status.state is State.LOADING]
            progress(texts.say("terminal-deploying", slots=", ".join(waiting or news.rolling)), None)

        news = deploying.deploy(plan(settings), watch)
    return _show(news)


def _status(_: Settings) -> int:
    from models.ray import deploying

    return _show(deploying.look())


def _stop(_: Settings) -> int:
    from models.ray import deploying

    deploying.stop()
    print(texts.say("terminal-undeployed"))
    return 0


def _show(news: News) -> int:
    """Print a line for each slot and each of its replicas; 0 if all of them are ready."""
    code = 0
    for status in news.slots:
        if status.failure is not None:
            code = complain(f"{status.slot}: {status.failure}", code=FAILED)
        if status.state is not State.READY:
            code = FAILED
        print(
            harmless(
                texts.say(
                    "terminal-slot",
                    slot=status.slot,
                    state=status.state,
                    name=status.name,
                    version=status.generation,
                )
            )
        )
        for line in _replicas(status):
            print(f"  {harmless(line)}")
    return code


def _replicas(status: SlotStatus) -> list[str]:
    return [
        texts.say(
            "terminal-replica",
            node=replica.node,
            version=replica.version,
            state=replica.state,
            memory=replica.memory,
            running=replica.running,
        )
        for replica in status.replicas
    ]
