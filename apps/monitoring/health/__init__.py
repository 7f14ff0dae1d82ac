"""What was looked at, as the administration and Notion see it."""
