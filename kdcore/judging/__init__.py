"""A finished run judged: verdict, what it keeps and costs, what next, seeds, drift of inputs."""
