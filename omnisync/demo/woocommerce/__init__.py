"""A simulated WooCommerce shop with stock and buyers of its own, speaking its REST API v3 and sending its webhooks."""
