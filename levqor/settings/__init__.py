"""Django settings: `base` for all, then `local`, `test` or `production`."""
