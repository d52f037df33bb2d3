"""Interactions: how they reach the bot, which answers are allowed, and until when.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from sandbox import rules
from sandbox.clock import Timer
from sandbox.ratelimits import Limits
from sandbox.rules import ApiError, Json
from sandbox.state import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    SUBMIT,
    Interaction,
    InteractionContext,
    Member,
    Message,
    Modal,
    Upload,
)
from sandbox.world import World

PONG, MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
"""Types of first answers."""

REPLY, COMMAND_REPLY = 19, 20
"""Message types."""

ALLOWED: Mapping[int, frozenset[int]] = {
    COMMAND: frozenset({MESSAGE, DEFER, MODAL}),
    COMPONENT: frozenset({MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL}),
    AUTOCOMPLETE: frozenset({CHOICES}),
    SUBMIT: frozenset({MESSAGE, DEFER, DEFER_UPDATE, UPDATE}),
}

OWN_FOLLOW_UPS = 5
"""Follow-ups of an app that only the member has installed."""

SILENCE = {
    COMMAND: "The application did not respond",
    COMPONENT: "This interaction failed",
    AUTOCOMPLETE: "Loading options failed",
    SUBMIT: "Something went wrong. Try again.",
}
"""What Discord shows when the first answer is missing."""


class Interactions:
    """Starts interactions and accepts the bot's answers; `dispatch` delivers an interaction to the bot."""

    def __init__(self, world: World, limits: Limits, dispatch: Callable[[Interaction], None]) -> None:
        self._world = world
        self._limits = limits
        self._dispatch = dispatch
        self._timers: dict[int, list[Timer]] = {}

    def start(
        self, kind: int, member: Member, data: Json, **context: Unpack[InteractionContext]
    ) -> Interaction:
        interaction = self._world.add_interaction(kind, member, data, **context)
        later = self._world.clock.call_later
        self._timers[interaction.id] = [
            later(self._limits.answer_seconds, lambda: self._time_out(interaction)),
            later(self._limits.token_seconds, lambda: self._expire(interaction)),
        ]
        self._dispatch(interaction)
        return interaction

    def close(self) -> None:
        for timers in self._timers.values():
            for timer in timers:
                timer.cancel()
        self._timers.clear()

    def _time_out(self, interaction: Interaction) -> None:
        if interaction.acknowledged is None:
            self._fail(interaction, SILENCE[interaction.type])

    def _expire(self, interaction: Interaction) -> None:
        self._timers.pop(interaction.id, None)
        if interaction.thinking:
            self._fail(interaction, SILENCE[interaction.type])

    def _fail(self, interaction: Interaction, reason: str) -> None:
        interaction.failed = reason
        self._world.changed("interaction.fail", interaction, interaction.id)

    # --- the first answer

    def respond(
        self, interaction_id: int, token: str, body: Json, uploads: Mapping[int, Upload]
    ) -> Interaction:
        """Accept the first answer (the callback); refuses one that is late, repeated or of the wrong type."""
        interaction = self._world.interactions.get(token)
        if interaction is None or interaction.id != interaction_id:
            raise ApiError(404, 10062, "Unknown interaction")
        if interaction.acknowledged is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if interaction.failed or self._world.clock.time() > interaction.created + self._limits.answer_seconds:
            raise ApiError(404, 10062, "Unknown interaction")
        kind = rules.kind_of(body)
        form = rules.Form()
        if kind not in ALLOWED[interaction.type] or (
            kind in {DEFER_UPDATE, UPDATE} and interaction.source is None
        ):
            form.wrong(
                ("type",),
                "INTERACTION_CALLBACK_TYPE_INVALID",
                "This response is not valid for the interaction.",
            )
        data = form.child(body, "data", ()) or {}
        form.close()
        self._take(interaction, kind, data, uploads)
        interaction.answered_with = kind
        interaction.acknowledged = self._world.clock.time()
        self._world.changed("interaction.acknowledge", interaction, interaction.id)
        return interaction

    def _take(self, interaction: Interaction, kind: int, data: Json, uploads: Mapping[int, Upload]) -> None:
        world = self._world
        if kind == MODAL:
            rules.check_modal(data)
            interaction.modal = Modal(data["custom_id"], data["title"], list(data["components"]), interaction)
        elif kind == CHOICES:
            interaction.choices = rules.check_choices(data, interaction.autocompleted_type)
        elif kind == DEFER_UPDATE:
            interaction.original = interaction.source
        elif kind == UPDATE and interaction.source is not None:
            check_message(self._limits, data, uploads, interaction.source, inside=("data",))
            world.edit_message(interaction.source, data, uploads, via=interaction)
            interaction.original = interaction.source
        else:
            check_message(self._limits, data, uploads, None, inside=("data",))
            flags = (data.get("flags") or 0) & rules.EPHEMERAL
            flags |= rules.EPHEMERAL if interaction.alone else 0
            body = data
            if kind == DEFER:
                flags |= rules.LOADING
                body = {"flags": data.get("flags")}
                uploads = {}
            # An answer to a component or to a submitted modal replies to the message it came from.
            message = world.create_message(
                interaction.channel,
                body,
                uploads,
                interaction=interaction,
                flags=flags,
                kind=COMMAND_REPLY if interaction.source is None else REPLY,
                reference=interaction.source.id if interaction.source else None,
            )
            interaction.original = message
            world.announce("message.create", message)

    # --- follow-ups and edits, for 15 minutes

    def webhook(self, application_id: int, token: str) -> Interaction:
        """The interaction that a webhook token belongs to: unknown before the first answer, expired after 15
        minutes.
        """
        interaction = self._world.interactions.get(token)
        if (
            interaction is None
            or interaction.application_id != application_id
            or interaction.acknowledged is None
        ):
            raise ApiError(404, 10015, "Unknown Webhook")
        if self._world.clock.time() > interaction.created + self._limits.token_seconds:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return interaction

    def message(self, interaction: Interaction, name: str) -> Message:
        """The message `@original`, or the one with this id if it belongs to the interaction."""
        if name == "@original":
            message = interaction.original
        else:
            messages = [interaction.original, *interaction.followups]
            message = next((known for known in messages if known is not None and str(known.id) == name), None)
        if message is None or message.deleted:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def edit(self, interaction: Interaction, name: str, body: Json, uploads: Mapping[int, Upload]) -> Message:
        message = self.message(interaction, name)
        _refuse_archived(interaction)
        check_message(self._limits, body, uploads, message)
        self._world.edit_message(message, body, uploads, via=interaction)
        return message

    def delete(self, interaction: Interaction, name: str) -> None:
        self._world.delete_message(self.message(interaction, name), via=interaction)

    def follow_up(self, interaction: Interaction, body: Json, uploads: Mapping[int, Upload]) -> Message:
        """Another message; the first one after a deferral takes the place and the privacy of the thinking message."""
        _refuse_archived(interaction)
        check_message(self._limits, body, uploads, None)
        if "0" not in interaction.owners() and len(interaction.followups) >= OWN_FOLLOW_UPS:
            raise ApiError(
                400, 40094, "This interaction has reached the maximum number of follow-up messages"
            )
        original = interaction.original
        if original is not None and interaction.thinking:
            self._world.edit_message(original, body, uploads, via=interaction)
            return original
        answered = original if original is not None and not original.deleted else None
        message = self._world.create_message(
            interaction.channel,
            body,
            uploads,
            interaction=interaction,
            flags=rules.EPHEMERAL if interaction.alone else (body.get("flags") or 0) & rules.EPHEMERAL,
            kind=REPLY if answered else 0,
            reference=answered.id if answered else None,
        )
        interaction.followups.append(message)
        self._world.announce("message.create", message)
        return message


def _refuse_archived(interaction: Interaction) -> None:
    if interaction.channel.archived:
        raise ApiError(400, 50083, "Thread is archived")


def check_message(
    limits: Limits,
    body: Json,
    uploads: Mapping[int, Upload],
    message: Message | None,
    inside: Sequence[rules.Key] = (),
) -> None:
    """Check a message's body and files; `message` is the one being edited.

    `inside`: the path of the message in the request's body.
    """
    for upload in uploads.values():
        if len(upload.content) > limits.attachment_bytes:
            raise ApiError(413, 40005, "Request entity too large")
    rules.check_message(
        body,
        uploads={index: upload.filename for index, upload in uploads.items()},
        kept={attachment.id: attachment.filename for attachment in message.attachments} if message else {},
        was_v2=message is not None and bool(message.flags & rules.COMPONENTS_V2),
        inside=inside,
    )
