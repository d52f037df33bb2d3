"""What the bot keeps about people."""
