"""Code shared by several features: text, colours, buttons, pictures, streaming edits."""
