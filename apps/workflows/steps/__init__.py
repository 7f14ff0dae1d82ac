"""Step types: each module is one kind of step, its schema beside its code."""
