"""Drawing: text, colours, embeds, pictures, buttons, and edits that follow a growing text."""
