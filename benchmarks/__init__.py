"""Speed, side by side in one run: what is compared runs in turns, and ratios count more than seconds."""
