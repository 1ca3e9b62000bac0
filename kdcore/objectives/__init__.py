"""What a student is asked to match: losses on Outputs, a method a file."""
