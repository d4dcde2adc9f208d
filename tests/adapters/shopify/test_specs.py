"""Against Shopify's own schema and against signatures that Shopify's own library accepted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    parse,
    validate,
)

from omnisync.adapters.base import Forged, Hook, Message
from omnisync.adapters.client import Tools
from omnisync.adapters.shopify import TOPICS, documents
from omnisync.demo.shopify.cost import MOST_PER_OPERATION, requested
from omnisync.demo.shopify.graphql_api import Api
from omnisync.demo.shopify.schema import SDL
from tests.adapters.shopify.rig import open_world

LARGEST: dict[str, Any] = {"first": 100, "ids": ["x"] * 100}


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder with the vendors' files."""
    folder = os.environ.get("OMNISYNC_SPECS")
    if not folder:
        pytest.skip("set OMNISYNC_SPECS to the folder with shopify/admin_2026-07.graphql")
    return Path(folder)


@pytest.fixture(scope="session")
def shopifys(specs: Path) -> GraphQLSchema:
    """Shopify's schema; it breaks a rule about deprecated interface fields, so it is taken as it is."""
    return build_schema((specs / "shopify" / "admin_2026-07.graphql").read_text(), assume_valid=True)


@pytest.mark.parametrize("document", documents.ALL, ids=lambda text: text.split("(")[0].split("{")[0].strip())
def test_no_operation_asks_for_more_points_than_shopify_allows(document: str):
    assert 0 < requested(parse(document), LARGEST) <= MOST_PER_OPERATION


@pytest.mark.specs
@pytest.mark.parametrize("document", documents.ALL, ids=lambda text: text.split("(")[0].split("{")[0].strip())
def test_every_operation_is_valid_at_shopify_and_in_the_simulation(shopifys: GraphQLSchema, document: str):
    assert validate(shopifys, parse(document)) == []
    assert validate(build_schema(SDL), parse(document)) == []


@pytest.mark.specs
def test_the_simulation_speaks_a_part_of_shopifys_schema_and_nothing_else(shopifys: GraphQLSchema):
    ours = build_schema(SDL)
    mine = {name: one for name, one in ours.type_map.items() if not name.startswith("__")}

    differences = [text for name, one in mine.items() for text in differing(one, shopifys.type_map.get(name))]

    assert differences == []
    assert str(ours.query_type) == str(shopifys.query_type)
    assert ours.get_directive("idempotent") is not None
    assert shopifys.get_directive("idempotent") is not None


def differing(mine: GraphQLNamedType, theirs: GraphQLNamedType | None) -> list[str]:
    """Where our type says something that Shopify's does not."""
    if theirs is None or type(mine) is not type(theirs):
        return [f"{mine.name} is none of Shopify's types"]
    if isinstance(mine, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        return [f"{mine.name}.{value}" for value in mine.values if value not in theirs.values]
    if isinstance(mine, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        missing = [
            name for name, field in theirs.fields.items() if str(field.type).endswith("!") and name not in mine.fields
        ]
        return [f"{mine.name} lacks {name}" for name in missing] + [
            f"{mine.name}.{name}: {field.type}"
            for name, field in mine.fields.items()
            if name not in theirs.fields or str(theirs.fields[name].type) != str(field.type)
        ]
    if isinstance(mine, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        theirs, GraphQLObjectType | GraphQLInterfaceType
    ):
        return [text for name, field in mine.fields.items() for text in differing_field(mine.name, name, field, theirs)]
    return []


def differing_field(of: str, name: str, field: Any, theirs: Any) -> list[str]:
    other = theirs.fields.get(name)
    if other is None or str(other.type) != str(field.type):
        return [f"{of}.{name}: {field.type} is {other.type if other else 'unknown'} at Shopify"]
    return [
        f"{of}.{name}({argument}: {given.type})"
        for argument, given in field.args.items()
        if argument not in other.args or str(other.args[argument].type) != str(given.type)
    ]


@pytest.mark.specs
def test_the_answers_of_the_simulation_are_answers_of_shopifys_schema(shopifys: GraphQLSchema, tools: Tools):
    """Executed over Shopify's schema, our resolvers give the same data and no type complains."""
    world = open_world(tools)
    order = world.shop.sell([(world.variant(world.targets[0]), 2)])
    world.shop.fulfil(order)
    world.shop.refund(order, [(order.lines[0], 1)], "RETURN")
    api = Api(world.shop, world.simulation.bucket)
    reads = {
        documents.ORDER: {"id": order.gid},
        documents.ORDER_KEYS: {"first": 5},
        documents.LEVELS: {"ids": [world.targets[0].external_id], "place": world.targets[0].place},
        documents.VARIANTS: {"first": 5},
        documents.SHOP: {},
        documents.SUBSCRIPTIONS: {},
        documents.PICKUP: {"id": order.gid},
        documents.ORDER_PARTS: {"id": order.gid},
    }

    for document, variables in reads.items():
        ours = api.run(document, variables)
        api.schema, kept = shopifys, api.schema
        theirs = api.execute(parse(document), variables)
        api.schema = kept

        assert "errors" not in ours
        assert theirs.errors is None
        assert theirs.data == ours["data"]


@pytest.mark.specs
def test_every_topic_is_one_that_shopify_sends(shopifys: GraphQLSchema):
    known = shopifys.type_map["WebhookSubscriptionTopic"]

    assert isinstance(known, GraphQLEnumType)
    assert {topic.upper().replace("/", "_") for topic in TOPICS} <= set(known.values)


@pytest.mark.specs
def test_signatures_that_shopifys_library_accepts_are_accepted(specs: Path, tools: Tools):
    vector = json.loads((specs / "webhook_vectors.json").read_text())["shopify"]
    adapter = open_world(tools, settings={"webhook_secret": vector["secret"]}).adapter
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    good = Hook("POST", "https://sync.example.org", headers, {}, vector["body"].encode())
    spoiled = Hook("POST", "https://sync.example.org", headers, {}, vector["body"].encode() + b" ")

    named = adapter.identify(good)

    assert named == Message(headers["x-shopify-event-id"], "orders/create", "gid://shopify/Order/820982911946154500")
    assert isinstance(adapter.identify(spoiled), Forged)
