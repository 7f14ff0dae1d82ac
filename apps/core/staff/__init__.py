"""What the administration is built from: lists that stay fast, confirmed actions, displays, the first page."""
