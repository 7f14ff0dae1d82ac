"""The gate before the API: who calls, whether they may now, and that it is counted."""
