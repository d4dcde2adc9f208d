"""Every operation we send to Vendure's admin API; seen with 3.7."""

from __future__ import annotations

LOGIN = """
mutation LogIn($username: String!, $password: String!) {
  login(username: $username, password: $password) { __typename ... on ErrorResult { errorCode message } }
}
"""

SHOP = """
query Shop {
  activeChannel { code defaultCurrencyCode availableCurrencyCodes pricesIncludeTax }
  globalSettings { trackInventory outOfStockThreshold serverConfig { moneyStrategyPrecision } }
  stockLocations(options: { take: 100 }) { items { id name } }
}
"""

_LEVELS = "id sku prices { currencyCode price } stockLevels { stockLocationId stockOnHand stockAllocated }"

VARIANTS = f"""
query Variants($options: ProductVariantListOptions) {{
  productVariants(options: $options) {{ totalItems items {{ {_LEVELS} name productId trackInventory }} }}
}}
"""

WRITE = f"""
mutation Write($input: [UpdateProductVariantInput!]!) {{
  updateProductVariants(input: $input) {{ {_LEVELS} }}
}}
"""

ORDERS = """
query Orders($options: OrderListOptions) {
  orders(options: $options) {
    totalItems
    items {
      id code type state orderPlacedAt updatedAt currencyCode subTotalWithTax shippingWithTax totalWithTax
      customer { firstName lastName emailAddress phoneNumber }
      shippingAddress { fullName phoneNumber }
      shippingLines { shippingMethod { code } }
      lines { id quantity orderPlacedQuantity unitPriceWithTax updatedAt productVariant { id sku name } }
      fulfillments { id state updatedAt nextStates lines { orderLineId quantity } }
      payments { state amount refunds { state total } }
    }
  }
}
"""

ORDER_IDS = """
query OrderIds($options: OrderListOptions) {
  orders(options: $options) { totalItems items { id } }
}
"""

PACK = """
mutation Pack($input: FulfillOrderInput!) {
  addFulfillmentToOrder(input: $input) {
    __typename ... on Fulfillment { id nextStates } ... on ErrorResult { errorCode message }
  }
}
"""

ADVANCE = """
mutation Advance($id: ID!, $state: String!) {
  transitionFulfillmentToState(id: $id, state: $state) {
    __typename ... on Fulfillment { id nextStates } ... on ErrorResult { errorCode message }
  }
}
"""

CANCEL = """
mutation Cancel($input: CancelOrderInput!) {
  cancelOrder(input: $input) { __typename ... on ErrorResult { errorCode message } }
}
"""

ALL = (LOGIN, SHOP, VARIANTS, WRITE, ORDERS, ORDER_IDS, PACK, ADVANCE, CANCEL)
