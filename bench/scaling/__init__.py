"""What the bot does as many processes, and what it costs: the figures of docs/scaling.md."""
