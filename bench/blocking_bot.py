"""The baseline: a bot that calls its models right in the command, on the event loop.

It is how most bots of this kind begin. Only this file's shape matters; it answers the same commands as
Tokenwise's light and heavy ones, with the same model files and the same libraries.
"""

from __future__ import annotations

from typing import Any

import discord
import torch
from discord import app_commands
from discord.ext import commands
from transformers import AutoModelForCausalLM, AutoTokenizer


class BlockingBot(commands.AutoShardedBot):
    def __init__(self, model: str) -> None:
        super().__init__(command_prefix=commands.when_mentioned, intents=discord.Intents(guilds=True))
        self.words: Any = AutoTokenizer.from_pretrained(model)
        self.model: Any = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)

    async def setup_hook(self) -> None:
        @app_commands.command(description="Continue a prompt")
        async def generate(
            interaction: discord.Interaction, prompt: str, max_new_tokens: int = 100, seed: int = 0
        ) -> None:
            await interaction.response.defer()
            torch.manual_seed(seed)
            inputs = self.words(prompt, return_tensors="pt")
            output = self.model.generate(
                **inputs, min_new_tokens=max_new_tokens, max_new_tokens=max_new_tokens, do_sample=True
            )
            await interaction.edit_original_response(content=self.words.decode(output[0])[:2000])

        @app_commands.command(description="Split a text into tokens")
        async def tokens(interaction: discord.Interaction, text: str) -> None:
            await interaction.response.defer()
            ids = self.words(text).input_ids
            await interaction.edit_original_response(content=" ".join(map(str, ids))[:2000])

        self.tree.add_command(generate)
        self.tree.add_command(tokens)
        await self.tree.sync()
