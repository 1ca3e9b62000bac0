"""What stands around every page: frame, navigation, lessons, saving, presenting."""
