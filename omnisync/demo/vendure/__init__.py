"""A Vendure shop in memory, for tests and the torture kit; the real server runs in its own tests."""
