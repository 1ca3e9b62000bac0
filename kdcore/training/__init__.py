"""What recipes use while a model learns: session, checkpoints, optimizer, metric lines, memory."""
