"""What stands beside a model and learns with it: an assistant, the heads of other tasks."""
