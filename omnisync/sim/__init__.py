"""Whole days of a retailer in seconds, from one number: the real services, a clock of our own, and channels that misbehave."""
