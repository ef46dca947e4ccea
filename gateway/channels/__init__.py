"""Ways out of the house, by kind."""
