"""Redaction of secrets: the only place that knows what a secret looks like."""

from __future__ import annotations

import re

TOKEN_SHAPE = re.compile(r"[\w-]{18,}\.[\w-]{4,8}\.[\w-]{20,}")
"""The pattern of a bot token: id, time and signature in base64, separated by dots."""
HIDDEN = "[hidden]"

_SECRETS = re.compile(
    TOKEN_SHAPE.pattern
    # Anyone with an interaction's token can answer in the bot's name.
    + r"|(?<=/interactions/)\d+/[^/\s?]+|(?<=/webhooks/)\d+/[^/\s?]+"
)
_PASSWORD_PARAMETER = re.compile(r"(pass\w*|sslpassword)=[^&]*", re.IGNORECASE)


def redacted(text: str) -> str:
    """A log line without tokens."""
    return _SECRETS.sub(HIDDEN, text)


def without_password(url: str) -> str:
    """A URL with *** instead of its password and of passwords in its parameters.

    When in doubt it hides too much: a password may contain delimiters such as @ and /.
    """
    before, separator, rest = url.rpartition("://")
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    shown = f"{user}:***@{place}" if at and colon else rest
    return before + separator + _PASSWORD_PARAMETER.sub(r"\1=***", shown)
