"""Simulated channels that speak the real wire formats, and the traffic that drives them."""
