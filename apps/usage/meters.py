"""What is measured: each meter's name in events."""

API_CALLS = "api_calls"
TOKENS = "tokens"  # of language models, in and out
