"""Drawing: text, colours, embeds, pictures, buttons. Nothing here asks a model anything."""
