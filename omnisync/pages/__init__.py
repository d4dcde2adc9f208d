"""Screens for staff and ops."""
