"""The bot's process: settings, Discord client, store, errors, and command line."""

__version__ = "0.1.0"
