"""A simulated eBay: one seller account that speaks the Sell, Notification and Analytics APIs, with buyers of its own."""
