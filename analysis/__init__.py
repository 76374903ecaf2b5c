"""How a number and its interval are estimated."""
