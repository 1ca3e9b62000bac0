"""What a data set can show: its report, as cards and as rows."""
