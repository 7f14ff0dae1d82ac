"""The business in figures: what pulse, growth and reports add to the platform."""
