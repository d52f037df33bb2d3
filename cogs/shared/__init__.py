"""What several features share: text, colours, buttons, pictures, edits that follow a growing text."""
