"""The office's pages: what stands where, why, who waits for what, and the button that mends it."""
