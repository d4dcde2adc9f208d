"""`python -m tests.real.oscar_shop prepare` makes the database, `... serve PORT` runs the shop until it is killed."""

from __future__ import annotations

import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.real.oscar_shop.settings")


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each call, as a small shop's server has."""

    daemon_threads = True
    request_queue_size = 64


class Quiet(WSGIRequestHandler):
    """Writes no access log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def prepare() -> None:
    """All tables, a staff account for the sync, a partner, a kind of goods and a country."""
    from django.contrib.auth import get_user_model
    from oscar.apps.address.models import Country
    from oscar.apps.catalogue.models import ProductClass
    from oscar.apps.partner.models import Partner

    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    get_user_model().objects.create_superuser("sync", "sync@example.org", os.environ["SHOP_PASSWORD"])
    Partner.objects.create(name="Lindenlicht", code="lindenlicht")
    ProductClass.objects.create(name="Ware", slug="ware", track_stock=True, requires_shipping=True)
    Country.objects.create(
        iso_3166_1_a2="DE",
        iso_3166_1_a3="DEU",
        printable_name="Deutschland",
        name="Deutschland",
        is_shipping_country=True,
    )


def serve(port: int) -> None:
    """Answer on loopback; the line printed names the port."""
    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", port, get_wsgi_application(), server_class=Server, handler_class=Quiet)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare()
    else:
        serve(int(sys.argv[2]))
