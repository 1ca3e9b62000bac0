"""How a run waits for a device, is started in its own process, and is controlled."""
