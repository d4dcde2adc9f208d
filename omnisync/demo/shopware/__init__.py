"""A simulated Shopware 6 shop with stock and buyers of its own, speaking its Admin API and sending its app's webhooks."""
