"""Definitions: text to checked data. `parse_source` is the way in, `compiled` what the engine runs."""
