"""The shop's addresses: oscar, its API, and the shop keeper's two buttons."""

from __future__ import annotations

from django.apps import apps
from django.urls import include, path

from tests.real.oscar_shop import shopkeeper

urlpatterns = [
    path("api/", include("oscarapi.urls")),
    path("shopkeeper/orders/<str:number>/<str:button>/", shopkeeper.press),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
