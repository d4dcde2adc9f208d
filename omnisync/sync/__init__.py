"""Keeping both in step: inbox, facts, polling, reconciling, drift, health."""
