"""Models for text and songs: a library for the bot and for notebooks."""
