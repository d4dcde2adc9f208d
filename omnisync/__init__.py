"""Omnichannel inventory and order sync: adapters translate, the ledger decides, the reconciler repeats."""

__version__ = "0.1.0"
