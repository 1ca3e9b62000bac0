"""How long a training will take and what it needs, before it starts."""
