"""What the shop keeper's back office does with orders, by oscar's own event handler."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from oscar.apps.order.models import Order
from oscar.apps.order.processing import EventHandler


def _cancel(handler: EventHandler, order: Order) -> None:
    handler.handle_order_status_change(order, "Cancelled")
    handler.cancel_stock_allocations(order)


def _ship(handler: EventHandler, order: Order) -> None:
    handler.handle_order_status_change(order, "Being processed")
    handler.consume_stock_allocations(order)
    handler.handle_order_status_change(order, "Complete")


BUTTONS = {"cancel": _cancel, "ship": _ship}


@csrf_exempt
def press(request: HttpRequest, number: str, button: str) -> HttpResponse:
    """Cancel or ship a whole order."""
    order = Order.objects.get(number=number)
    BUTTONS[button](EventHandler(), order)
    return JsonResponse({"number": number, "status": order.status})
