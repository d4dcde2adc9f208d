"""What was asked for: orders of channels and click-and-collect pickups."""
