"""The public API of workflows, under /api/v1/, and the address that webhooks call."""
