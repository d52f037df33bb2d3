"""The baseline: a bot that calls its models inside the command, on the event loop, as most such bots initially do.

It has one light and one heavy command like Tokenwise's, with the same model files and libraries.
"""

from __future__ import annotations

from pathlib import Path

import discord
import torch
from discord import app_commands
from discord.ext import commands
from transformers import AutoTokenizer

from bench import models


class BlockingBot(commands.AutoShardedBot):
    def __init__(self, model: str) -> None:
        super().__init__(command_prefix=commands.when_mentioned, intents=discord.Intents(guilds=True))
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model = models.load(Path(model), "cpu", torch.float32)

    async def setup_hook(self) -> None:
        @app_commands.command(description="Continue a prompt")
        async def generate(
            interaction: discord.Interaction, prompt: str, max_new_tokens: int = 100, seed: int = 0
        ) -> None:
            await interaction.response.defer()
            torch.manual_seed(seed)
            inputs = self.tokenizer(prompt, return_tensors="pt")
            output = self.model.generate(
                **inputs, min_new_tokens=max_new_tokens, max_new_tokens=max_new_tokens, do_sample=True
            )
            await interaction.edit_original_response(content=str(self.tokenizer.decode(output[0]))[:2000])

        @app_commands.command(description="Split a text into tokens")
        async def tokens(interaction: discord.Interaction, text: str) -> None:
            await interaction.response.defer()
            ids = self.tokenizer(text).input_ids
            await interaction.edit_original_response(content=" ".join(map(str, ids))[:2000])

        self.tree.add_command(generate)
        self.tree.add_command(tokens)
        await self.tree.sync()
