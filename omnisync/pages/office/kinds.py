"""The shop's words for what happens to stock, and for the terms that a number is made of."""

from __future__ import annotations

from omnisync.pages.words import later
from omnisync.values import Kind

MOVEMENTS = {
    Kind.SOLD: later("Sold"),
    Kind.ORDER: later("Ordered at a channel"),
    Kind.HOLD: later("Reserved"),
    Kind.SHIPPED: later("Shipped"),
    Kind.COLLECTED: later("Collected"),
    Kind.HANDED_BACK: later("Hand-over taken back"),
    Kind.RELEASED: later("Given back"),
    Kind.RETURNED: later("Returned"),
    Kind.AWAITED: later("Awaited"),
    Kind.RECEIVED: later("Received"),
    Kind.CALLED_OFF: later("Delivery called off"),
    Kind.FOUND: later("Found"),
    Kind.MISSING: later("Not found"),
    Kind.DAMAGED: later("Damaged"),
    Kind.COUNT: later("Counted"),
    Kind.BLOCKED: later("Blocked"),
    Kind.UNBLOCKED: later("Unblocked"),
    Kind.TRANSFER_OUT: later("Sent to another store"),
    Kind.TRANSFER_IN: later("Come from another store"),
    Kind.OPENING: later("Opening stock"),
    Kind.SAFETY: later("Safety stock set"),
    Kind.OFF_SALE: later("Not found, off sale"),
    Kind.BACKORDER: later("Backorder set"),
    Kind.COUNTED_ALREADY: later("Was in the count already"),
}
QUANTITIES = {
    "on_hand": later("On hand"),
    "reserved": later("Reserved"),
    "blocked": later("Blocked"),
    "safety": later("Safety"),
    "incoming": later("Incoming"),
    "backorder": later("Backorder"),
}
TERMS = {
    "on_hand": later("on hand"),
    "reserved": later("reserved"),
    "blocked": later("blocked"),
    "safety": later("kept as safety stock"),
    "off_sale": later("off sale until it is counted"),
    "never_below_zero": later("never shown below zero"),
    "unseen": later("gone at a channel, order not seen yet"),
    "buffer": later("buffer of the channel"),
    "stop_at": later("too few: shown as none"),
    "max_listed": later("cap of the channel"),
}
"""What `sync.explain` names."""
