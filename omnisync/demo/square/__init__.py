"""A simulated Square account with stock, tills and buyers of its own, speaking Square's REST API and webhooks."""
