"""Where the metric lines of a run also go: TensorBoard files and MLflow."""
