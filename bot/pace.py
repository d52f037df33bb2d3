"""How many commands one person may send in a span of time."""

from __future__ import annotations

from discord import app_commands

MANY_PEOPLE = 256
"""From so many people on, those who have been silent are forgotten."""


class Pace:
    def __init__(self) -> None:
        self._cooldowns: dict[tuple[int, int], app_commands.Cooldown] = {}

    def count(self, user: int, commands: int, seconds: float, channel: int = 0) -> None:
        """Count a command of this person; CommandOnCooldown if it is one more than `commands` in `seconds`.

        Commands in a `channel` with a pace of its own are counted by themselves.
        """
        if len(self._cooldowns) > MANY_PEOPLE:
            self._cooldowns = {
                key: cooldown
                for key, cooldown in self._cooldowns.items()
                if cooldown.get_tokens() < cooldown.rate
            }
        cooldown = self._cooldowns.get((user, channel))
        if cooldown is None or (cooldown.rate, cooldown.per) != (commands, seconds):
            cooldown = self._cooldowns[user, channel] = app_commands.Cooldown(commands, seconds)
        if wait := cooldown.update_rate_limit():
            raise app_commands.CommandOnCooldown(cooldown, wait)
