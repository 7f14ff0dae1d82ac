"""Money owed and moved, as double entries."""
