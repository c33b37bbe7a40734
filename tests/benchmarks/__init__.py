"""Speed as ratios against peers measured in the same run, turn and turn about; `make bench` runs all of them."""
