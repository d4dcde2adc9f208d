"""What is there: the ledger, reservations, promises, availability."""
