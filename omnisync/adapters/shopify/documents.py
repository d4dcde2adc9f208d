"""Every operation we send to Shopify's Admin GraphQL API, version 2026-07.

First pages are sized for everyday orders: Shopify holds back all the cost points that an operation asks for until it is
answered (2,000 in the bucket of the smallest plan, 1,000 at most in one call). What does not fit is read on by the `REST_OF` documents.
"""

from __future__ import annotations

VERSION = "2026-07"
LINES, PARTS, PART_LINES = 20, 3, 10
"""How many lines, fulfilments (refunds, fulfilment orders) and lines of each come with an order at once."""

_LINE = """
fragment LineParts on LineItem {
  id title sku quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
  variant { id barcode }
  discountedUnitPriceSet { shopMoney { amount currencyCode } }
}
"""
_FULFILLED = "fragment FulfilledParts on FulfillmentLineItem { quantity lineItem { id } }"
_REFUNDED = """
fragment RefundedParts on RefundLineItem { id quantity restockType restocked location { id } lineItem { id } }
"""
_ASSIGNED = """
fragment AssignedParts on FulfillmentOrderLineItem { id totalQuantity remainingQuantity lineItem { id } }
"""
_FULFILLMENT_ORDER = """
fragment FulfillmentOrderParts on FulfillmentOrder {
  id status
  deliveryMethod { methodType }
  assignedLocation { location { id isFulfillmentService } }
}
"""

ORDER_KEYS = """
query OrderKeys($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { id updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""

ORDER = f"""
query Order($id: ID!) {{
  order(id: $id) {{
    id name createdAt updatedAt processedAt cancelledAt closed currencyCode displayFinancialStatus
    email phone customerLocale
    customer {{ displayName }}
    retailLocation {{ id }}
    currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} }}
    totalPriceSet {{ shopMoney {{ amount currencyCode }} }}
    lineItems(first: {LINES}) {{ nodes {{ ...LineParts }} pageInfo {{ hasNextPage endCursor }} }}
    fulfillments(first: {PARTS}) {{
      id status displayStatus
      fulfillmentLineItems(first: {PART_LINES}) {{
        nodes {{ ...FulfilledParts }} pageInfo {{ hasNextPage endCursor }}
      }}
    }}
    refunds(first: {PARTS}) {{
      id
      refundLineItems(first: {PART_LINES}) {{ nodes {{ ...RefundedParts }} pageInfo {{ hasNextPage endCursor }} }}
    }}
    fulfillmentOrders(first: {PARTS}) {{
      nodes {{
        ...FulfillmentOrderParts
        lineItems(first: {PART_LINES}) {{ nodes {{ ...AssignedParts }} pageInfo {{ hasNextPage endCursor }} }}
      }}
    }}
  }}
}}
{_LINE}{_FULFILLED}{_REFUNDED}{_ASSIGNED}{_FULFILLMENT_ORDER}
"""

ORDER_PARTS = f"""
query OrderParts($id: ID!) {{
  order(id: $id) {{
    fulfillments(first: 100) {{ id status displayStatus }}
    refunds(first: 100) {{ id }}
    fulfillmentOrders(first: 100) {{ nodes {{ ...FulfillmentOrderParts }} }}
  }}
}}
{_FULFILLMENT_ORDER}
"""
MOST_PARTS = 100


def _rest(owner: str, connection: str, parts: str, fragment: str) -> str:
    return f"""
query RestOf{owner}($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on {owner} {{
      {connection}(first: 100, after: $after) {{ nodes {{ ...{parts} }} pageInfo {{ hasNextPage endCursor }} }}
    }}
  }}
}}
{fragment}
"""


REST_OF = {
    "lineItems": _rest("Order", "lineItems", "LineParts", _LINE),
    "fulfillmentLineItems": _rest("Fulfillment", "fulfillmentLineItems", "FulfilledParts", _FULFILLED),
    "refundLineItems": _rest("Refund", "refundLineItems", "RefundedParts", _REFUNDED),
}
REST_OF_FULFILLMENT_ORDER = _rest("FulfillmentOrder", "lineItems", "AssignedParts", _ASSIGNED)

VARIANTS = """
query Variants($first: Int!, $after: String) {
  productVariants(first: $first, after: $after, sortKey: ID) {
    nodes {
      id sku barcode displayName requiresComponents
      product { id }
      inventoryItem { id tracked }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

VARIANT_ITEMS = """
query VariantItems($ids: [ID!]!) {
  nodes(ids: $ids) { ... on ProductVariant { id product { id } inventoryItem { id } } }
}
"""

LEVELS = """
query Levels($ids: [ID!]!, $place: ID!) {
  shop { currencyCode }
  nodes(ids: $ids) {
    ... on ProductVariant {
      id sku price
      inventoryItem { id inventoryLevel(locationId: $place) { quantities(names: ["available"]) { name quantity } } }
    }
  }
}
"""

LEVELS_OF_ITEMS = """
query LevelsOfItems($items: [ID!]!, $place: ID!) {
  nodes(ids: $items) {
    ... on InventoryItem {
      sku
      variants(first: 1) { nodes { id } }
      inventoryLevel(locationId: $place) { quantities(names: ["available"]) { name quantity } }
    }
  }
}
"""

SET_QUANTITIES = """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""

SET_PRICES = """
mutation SetPrices($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: true) {
    productVariants { id price }
    userErrors { code field message }
  }
}
"""

SHOP = """
query Shop {
  shop { name currencyCode }
  currentAppInstallation { accessScopes { handle } }
  locations(first: 100) { nodes { id name isActive } }
}
"""

PICKUP = f"""
query Pickup($id: ID!) {{
  order(id: $id) {{
    cancelledAt
    fulfillmentOrders(first: 10) {{
      nodes {{
        ...FulfillmentOrderParts
        lineItems(first: 40) {{ nodes {{ ...AssignedParts }} pageInfo {{ hasNextPage endCursor }} }}
      }}
    }}
  }}
}}
{_ASSIGNED}{_FULFILLMENT_ORDER}
"""

PREPARED = """
mutation Prepared($input: FulfillmentOrderLineItemsPreparedForPickupInput!) {
  fulfillmentOrderLineItemsPreparedForPickup(input: $input) { userErrors { code field message } }
}
"""

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}
"""

SUBSCRIPTIONS = """
query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri, format: JSON }) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}
"""

UNSUBSCRIBE = """
mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}
"""

ALL = (
    ORDER_KEYS,
    ORDER,
    ORDER_PARTS,
    *REST_OF.values(),
    REST_OF_FULFILLMENT_ORDER,
    VARIANTS,
    VARIANT_ITEMS,
    LEVELS,
    LEVELS_OF_ITEMS,
    SET_QUANTITIES,
    SET_PRICES,
    SHOP,
    PICKUP,
    PREPARED,
    FULFIL,
    SUBSCRIPTIONS,
    SUBSCRIBE,
    UNSUBSCRIBE,
)
"""For the tests that validate each of them against Shopify's schema."""
