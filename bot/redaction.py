"""What must not be printed, and how it is taken out: the one place that knows what a secret looks like."""

from __future__ import annotations

import re

TOKEN_SHAPE = re.compile(r"[\w-]{18,}\.[\w-]{4,8}\.[\w-]{20,}")
"""What a bot token looks like: id, time and signature in base64, with points between."""
HIDDEN = "[hidden]"

_SECRETS = re.compile(
    TOKEN_SHAPE.pattern
    # An interaction's token lets anybody answer in the bot's name.
    + r"|(?<=/interactions/)\d+/[^/\s?]+|(?<=/webhooks/)\d+/[^/\s?]+"
)
_PASSWORD_PARAMETER = re.compile(r"(pass\w*|sslpassword)=[^&]*", re.IGNORECASE)


def redacted(text: str) -> str:
    """A line of a log without tokens."""
    return _SECRETS.sub(HIDDEN, text)


def without_password(url: str) -> str:
    """A URL with *** in place of its password, and of passwords among its parameters.

    In doubt it hides too much: a password may hold signs that end it elsewhere, such as @ and /.
    """
    before, separator, rest = url.rpartition("://")
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    shown = f"{user}:***@{place}" if at and colon else rest
    return before + separator + _PASSWORD_PARAMETER.sub(r"\1=***", shown)
