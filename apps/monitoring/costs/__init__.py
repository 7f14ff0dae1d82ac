"""What the platform costs and earns, as the administration and Notion see it."""
