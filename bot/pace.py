"""Rate limits: how many commands one person may send per period."""

from __future__ import annotations

from discord import app_commands

MANY_PEOPLE = 256
"""Above this number of people, inactive ones are forgotten."""


class Pace:
    def __init__(self) -> None:
        self._cooldowns: dict[tuple[int, int], app_commands.Cooldown] = {}

    def count(self, user: int, commands: int, seconds: float, channel: int = 0) -> None:
        """Count a command of this person. Raises CommandOnCooldown if it exceeds `commands` in `seconds`.

        Commands in a `channel` with its own rate limit are counted separately.
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
