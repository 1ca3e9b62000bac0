"""What if: presets, one changed setting, the twin, the estimate, the launch, a sweep of many."""
