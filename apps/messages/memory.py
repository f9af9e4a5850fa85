"""What people corrected, remembered for the next similar message."""
