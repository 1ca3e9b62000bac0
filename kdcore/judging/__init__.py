"""Judge a finished run: verdict, share of the teacher's quality, cost, seeds, drift of inputs."""
