"""A simulated Amazon seller account: the Selling Partner API, its log-in and a queue, with throttling and eventual application."""
