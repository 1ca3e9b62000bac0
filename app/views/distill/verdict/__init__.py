"""What a finished run is worth: verdict, retention, and the experiments to try next."""
