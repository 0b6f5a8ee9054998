"""Sessions: issued, checked, extended, and ended by one rule that every path calls."""
