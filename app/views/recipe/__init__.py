"""The Recipe page: the stages of the tutorial's pipelines as one thing that runs."""
