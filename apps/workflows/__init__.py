"""Floor 6: workflows, their runs, and the engine that makes them durable."""
