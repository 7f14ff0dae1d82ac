"""Who may call how often, what was called, and what it adds up to."""
