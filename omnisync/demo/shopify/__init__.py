"""A simulated Shopify: the Admin API's own wire format, its own stock, orders and buyers, signed webhooks, cost points."""
