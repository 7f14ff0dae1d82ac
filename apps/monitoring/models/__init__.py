"""The rows of the monitoring app."""
