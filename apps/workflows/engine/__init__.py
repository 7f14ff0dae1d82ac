"""The engine: claims runs, walks their definitions, records every step, survives being killed at any line."""
