"""What is sold, to whom, what they have of it, and the money."""
