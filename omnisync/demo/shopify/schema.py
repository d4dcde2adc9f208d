"""The part of Shopify's Admin schema 2026-07 that the simulation speaks. A test compares it with Shopify's own."""

SDL = """
schema { query: QueryRoot mutation: Mutation }
directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar Decimal
scalar Money
scalar UnsignedInt64

interface Node { id: ID! }
interface DisplayableError { field: [String!] message: String! }

type QueryRoot {
  currentAppInstallation: AppInstallation!
  inventoryItem(id: ID!): InventoryItem
  locations(first: Int, after: String): LocationConnection!
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  order(id: ID!): Order
  orders(first: Int, after: String, query: String, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
  productVariants(
    first: Int, after: String, sortKey: ProductVariantSortKeys = ID
  ): ProductVariantConnection!
  shop: Shop!
  webhookSubscriptions(first: Int, after: String): WebhookSubscriptionConnection!
}

type Mutation {
  fulfillmentCreate(fulfillment: FulfillmentInput!, message: String): FulfillmentCreatePayload
  fulfillmentOrderLineItemsPreparedForPickup(
    input: FulfillmentOrderLineItemsPreparedForPickupInput!
  ): FulfillmentOrderLineItemsPreparedForPickupPayload
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  productVariantsBulkUpdate(
    allowPartialUpdates: Boolean = false, productId: ID!, variants: [ProductVariantsBulkInput!]!
  ): ProductVariantsBulkUpdatePayload
  webhookSubscriptionCreate(
    topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!
  ): WebhookSubscriptionCreatePayload
  webhookSubscriptionDelete(id: ID!): WebhookSubscriptionDeletePayload
}

type AppInstallation implements Node { id: ID! accessScopes: [AccessScope!]! }
type AccessScope { handle: String! }
type Shop implements Node { id: ID! name: String! currencyCode: CurrencyCode! myshopifyDomain: String! }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }

type Location implements Node {
  id: ID! legacyResourceId: UnsignedInt64! name: String! isActive: Boolean! isFulfillmentService: Boolean!
}
type LocationConnection { nodes: [Location!]! pageInfo: PageInfo! }

type Product implements Node { id: ID! title: String! }
type ProductVariant implements Node {
  id: ID! legacyResourceId: UnsignedInt64! sku: String barcode: String title: String! displayName: String!
  price: Money! requiresComponents: Boolean! inventoryQuantity: Int product: Product! inventoryItem: InventoryItem!
  updatedAt: DateTime!
}
type ProductVariantConnection { nodes: [ProductVariant!]! pageInfo: PageInfo! }
type InventoryItem implements Node {
  id: ID! legacyResourceId: UnsignedInt64! sku: String tracked: Boolean! requiresShipping: Boolean!
  inventoryLevel(locationId: ID!): InventoryLevel
  variants(first: Int, after: String): ProductVariantConnection
}
type InventoryLevel implements Node {
  id: ID! updatedAt: DateTime! location: Location! item: InventoryItem!
  quantities(names: [String!]!): [InventoryQuantity!]!
}
type InventoryQuantity implements Node { id: ID! name: String! quantity: Int! updatedAt: DateTime }

type Customer implements Node { id: ID! displayName: String! }
type Order implements Node {
  id: ID! legacyResourceId: UnsignedInt64! name: String! createdAt: DateTime! updatedAt: DateTime!
  processedAt: DateTime! cancelledAt: DateTime closed: Boolean! currencyCode: CurrencyCode!
  displayFinancialStatus: OrderDisplayFinancialStatus displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  email: String phone: String customerLocale: String customer: Customer retailLocation: Location
  currentTotalPriceSet: MoneyBag! totalPriceSet: MoneyBag!
  lineItems(first: Int, after: String): LineItemConnection!
  fulfillments(first: Int): [Fulfillment!]!
  refunds(first: Int): [Refund!]!
  fulfillmentOrders(first: Int, after: String): FulfillmentOrderConnection!
}
type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
type LineItem implements Node {
  id: ID! title: String! sku: String quantity: Int! currentQuantity: Int! unfulfilledQuantity: Int!
  requiresShipping: Boolean! isGiftCard: Boolean! variant: ProductVariant
  discountedUnitPriceSet: MoneyBag! originalUnitPriceSet: MoneyBag!
}
type LineItemConnection { nodes: [LineItem!]! pageInfo: PageInfo! }
type Fulfillment implements Node {
  id: ID! status: FulfillmentStatus! displayStatus: FulfillmentDisplayStatus createdAt: DateTime! location: Location
  fulfillmentLineItems(first: Int, after: String): FulfillmentLineItemConnection!
}
type FulfillmentLineItem implements Node { id: ID! quantity: Int lineItem: LineItem! }
type FulfillmentLineItemConnection { nodes: [FulfillmentLineItem!]! pageInfo: PageInfo! }
type Refund implements Node {
  id: ID! createdAt: DateTime
  refundLineItems(first: Int, after: String): RefundLineItemConnection!
}
type RefundLineItem {
  id: ID quantity: Int! restockType: RefundLineItemRestockType! restocked: Boolean! location: Location
  lineItem: LineItem!
}
type RefundLineItemConnection { nodes: [RefundLineItem!]! pageInfo: PageInfo! }
type FulfillmentOrder implements Node {
  id: ID! status: FulfillmentOrderStatus! deliveryMethod: DeliveryMethod
  assignedLocation: FulfillmentOrderAssignedLocation!
  lineItems(first: Int, after: String): FulfillmentOrderLineItemConnection!
}
type FulfillmentOrderConnection { nodes: [FulfillmentOrder!]! pageInfo: PageInfo! }
type FulfillmentOrderAssignedLocation { name: String! location: Location }
type FulfillmentOrderLineItem implements Node {
  id: ID! totalQuantity: Int! remainingQuantity: Int! lineItem: LineItem!
}
type FulfillmentOrderLineItemConnection { nodes: [FulfillmentOrderLineItem!]! pageInfo: PageInfo! }
type DeliveryMethod implements Node { id: ID! methodType: DeliveryMethodType! }
type WebhookSubscription implements Node {
  id: ID! topic: WebhookSubscriptionTopic! uri: String! format: WebhookSubscriptionFormat! createdAt: DateTime!
}
type WebhookSubscriptionConnection { nodes: [WebhookSubscription!]! pageInfo: PageInfo! }

type UserError implements DisplayableError { field: [String!] message: String! }
type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode field: [String!] message: String!
}
type ProductVariantsBulkUpdateUserError implements DisplayableError {
  code: ProductVariantsBulkUpdateUserErrorCode field: [String!] message: String!
}
type FulfillmentOrderLineItemsPreparedForPickupUserError implements DisplayableError {
  code: FulfillmentOrderLineItemsPreparedForPickupUserErrorCode field: [String!] message: String!
}

type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}
type InventoryAdjustmentGroup implements Node {
  id: ID! createdAt: DateTime! reason: String! referenceDocumentUri: String
  changes(quantityNames: [String!]): [InventoryChange!]!
}
type InventoryChange { name: String! delta: Int! quantityAfterChange: Int item: InventoryItem location: Location }
type ProductVariantsBulkUpdatePayload {
  productVariants: [ProductVariant!]
  userErrors: [ProductVariantsBulkUpdateUserError!]!
}
type FulfillmentCreatePayload { fulfillment: Fulfillment userErrors: [UserError!]! }
type FulfillmentOrderLineItemsPreparedForPickupPayload {
  userErrors: [FulfillmentOrderLineItemsPreparedForPickupUserError!]!
}
type WebhookSubscriptionCreatePayload { webhookSubscription: WebhookSubscription userErrors: [UserError!]! }
type WebhookSubscriptionDeletePayload { deletedWebhookSubscriptionId: ID userErrors: [UserError!]! }

input InventorySetQuantitiesInput {
  name: String! quantities: [InventoryQuantityInput!]! reason: String! referenceDocumentUri: String
}
input InventoryQuantityInput { changeFromQuantity: Int inventoryItemId: ID! locationId: ID! quantity: Int! }
input ProductVariantsBulkInput { id: ID price: Money barcode: String compareAtPrice: Money }
input FulfillmentInput {
  lineItemsByFulfillmentOrder: [FulfillmentOrderLineItemsInput!]! notifyCustomer: Boolean = false
}
input FulfillmentOrderLineItemsInput {
  fulfillmentOrderId: ID! fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!]
}
input FulfillmentOrderLineItemInput { id: ID! quantity: Int! }
input FulfillmentOrderLineItemsPreparedForPickupInput {
  lineItemsByFulfillmentOrder: [PreparedFulfillmentOrderLineItemsInput!]!
}
input PreparedFulfillmentOrderLineItemsInput { fulfillmentOrderId: ID! }
input WebhookSubscriptionInput { format: WebhookSubscriptionFormat uri: String }

enum OrderSortKeys { CREATED_AT ID PROCESSED_AT UPDATED_AT }
enum ProductVariantSortKeys { ID }
enum CurrencyCode { CHF DKK EUR GBP PLN SEK USD }
enum OrderDisplayFinancialStatus { PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED }
enum OrderDisplayFulfillmentStatus { FULFILLED PARTIALLY_FULFILLED UNFULFILLED }
enum FulfillmentStatus { CANCELLED SUCCESS }
enum FulfillmentDisplayStatus { CANCELED FULFILLED PICKED_UP READY_FOR_PICKUP }
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
enum FulfillmentOrderStatus { CANCELLED CLOSED IN_PROGRESS OPEN }
enum DeliveryMethodType { LOCAL NONE PICKUP_POINT PICK_UP RETAIL SHIPPING }
enum WebhookSubscriptionFormat { JSON XML }
enum WebhookSubscriptionTopic {
  FULFILLMENTS_CREATE FULFILLMENTS_UPDATE INVENTORY_LEVELS_UPDATE ORDERS_CANCELLED ORDERS_CREATE ORDERS_EDITED
  ORDERS_UPDATED REFUNDS_CREATE
}
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED INVALID_INVENTORY_ITEM INVALID_LOCATION INVALID_NAME
  INVALID_QUANTITY_NEGATIVE INVALID_QUANTITY_TOO_HIGH ITEM_NOT_STOCKED_AT_LOCATION NON_MUTABLE_INVENTORY_ITEM
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}
enum ProductVariantsBulkUpdateUserErrorCode {
  GREATER_THAN_OR_EQUAL_TO INVALID_VALUE PRODUCT_DOES_NOT_EXIST PRODUCT_VARIANT_DOES_NOT_EXIST
}
enum FulfillmentOrderLineItemsPreparedForPickupUserErrorCode {
  FULFILLMENT_ORDER_INVALID NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER UNABLE_TO_PREPARE_QUANTITY
}
"""
