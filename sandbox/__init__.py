"""A local stand-in for Discord: gateway and HTTP API for bots, a Python driver and a terminal for people.

async with Sandbox() as box:
    ...  # point any bot at box.api_url and box.gateway_url, with box.token
    await box.ready()
    answer = await box.ask("/help")
    print(answer.text)
"""

from sandbox.clock import Clock, ManualClock, SystemClock
from sandbox.commandline import CommandLineError
from sandbox.driver import Answer, Sandbox, SandboxError
from sandbox.gateway import Session
from sandbox.log import Change, Event, EventLog, Request
from sandbox.ratelimits import Limits
from sandbox.rest import Fault
from sandbox.state import (
    Attachment,
    Button,
    Channel,
    Command,
    Field,
    Guild,
    Interaction,
    Member,
    Mentions,
    Message,
    Modal,
    Permission,
    Role,
    Upload,
    User,
    Version,
)

__all__ = [
    "Answer",
    "Attachment",
    "Button",
    "Change",
    "Channel",
    "Clock",
    "Command",
    "CommandLineError",
    "Event",
    "EventLog",
    "Fault",
    "Field",
    "Guild",
    "Interaction",
    "Limits",
    "ManualClock",
    "Member",
    "Mentions",
    "Message",
    "Modal",
    "Permission",
    "Request",
    "Role",
    "Sandbox",
    "SandboxError",
    "Session",
    "SystemClock",
    "Upload",
    "User",
    "Version",
]
