"""The part of Vendure's admin schema that the adapter speaks, as the simulated shop needs it (`tests/real` holds it against the real one)."""

SDL = """
scalar DateTime
scalar Money
scalar JSON
enum SortOrder { ASC DESC }
enum GlobalFlag { TRUE FALSE INHERIT }
enum OrderType { Regular Seller Aggregate }
enum CurrencyCode { EUR CHF }

type Query {
  activeChannel: Channel!
  globalSettings: GlobalSettings!
  stockLocations(options: StockLocationListOptions): StockLocationList!
  productVariants(options: ProductVariantListOptions): ProductVariantList!
  orders(options: OrderListOptions): OrderList!
}

type Mutation {
  login(username: String!, password: String!): NativeAuthenticationResult!
  updateProductVariants(input: [UpdateProductVariantInput!]!): [ProductVariant]!
  addFulfillmentToOrder(input: FulfillOrderInput!): AddFulfillmentToOrderResult!
  transitionFulfillmentToState(id: ID!, state: String!): TransitionFulfillmentToStateResult!
  cancelOrder(input: CancelOrderInput!): CancelOrderResult!
}

interface ErrorResult { errorCode: ErrorCode! message: String! }
enum ErrorCode { INVALID_CREDENTIALS_ERROR ITEMS_ALREADY_FULFILLED_ERROR FULFILLMENT_STATE_TRANSITION_ERROR CANCEL_ACTIVE_ORDER_ERROR }
type CurrentUser { id: ID! }
type InvalidCredentialsError implements ErrorResult { errorCode: ErrorCode! message: String! }
type ItemsAlreadyFulfilledError implements ErrorResult { errorCode: ErrorCode! message: String! }
type FulfillmentStateTransitionError implements ErrorResult { errorCode: ErrorCode! message: String! }
type CancelActiveOrderError implements ErrorResult { errorCode: ErrorCode! message: String! }
union NativeAuthenticationResult = CurrentUser | InvalidCredentialsError
union AddFulfillmentToOrderResult = Fulfillment | ItemsAlreadyFulfilledError
union TransitionFulfillmentToStateResult = Fulfillment | FulfillmentStateTransitionError
union CancelOrderResult = Order | CancelActiveOrderError

type Channel { code: String! defaultCurrencyCode: CurrencyCode! availableCurrencyCodes: [CurrencyCode!]! pricesIncludeTax: Boolean! }
type GlobalSettings { trackInventory: Boolean! outOfStockThreshold: Int! serverConfig: ServerConfig! }
type ServerConfig { moneyStrategyPrecision: Int! }
type StockLocation { id: ID! name: String! }
type StockLocationList { items: [StockLocation!]! totalItems: Int! }
input StockLocationListOptions { take: Int skip: Int }

type ProductVariantList { items: [ProductVariant!]! totalItems: Int! }
type ProductVariant {
  id: ID! sku: String! name: String! productId: ID! trackInventory: GlobalFlag!
  prices: [ProductVariantPrice!]! stockLevels: [StockLevel!]!
}
type ProductVariantPrice { currencyCode: CurrencyCode! price: Money! }
type StockLevel { stockLocationId: ID! stockOnHand: Int! stockAllocated: Int! }
input ProductVariantListOptions { skip: Int take: Int sort: ProductVariantSortParameter filter: ProductVariantFilterParameter }
input ProductVariantSortParameter { id: SortOrder }
input ProductVariantFilterParameter { id: IDOperators }
input UpdateProductVariantInput { id: ID! prices: [UpdateProductVariantPriceInput!] stockLevels: [StockLevelInput!] }
input UpdateProductVariantPriceInput { currencyCode: CurrencyCode! price: Money! }
input StockLevelInput { stockLocationId: ID! stockOnHand: Int! }

type OrderList { items: [Order!]! totalItems: Int! }
type Order {
  id: ID! code: String! type: OrderType! state: String! orderPlacedAt: DateTime updatedAt: DateTime!
  currencyCode: CurrencyCode! subTotalWithTax: Money! shippingWithTax: Money! totalWithTax: Money!
  customer: Customer shippingAddress: OrderAddress shippingLines: [ShippingLine!]! lines: [OrderLine!]!
  fulfillments: [Fulfillment!] payments: [Payment!]
}
type Customer { firstName: String! lastName: String! emailAddress: String! phoneNumber: String }
type OrderAddress { fullName: String phoneNumber: String }
type ShippingLine { shippingMethod: ShippingMethod! }
type ShippingMethod { code: String! }
type OrderLine {
  id: ID! quantity: Int! orderPlacedQuantity: Int! unitPriceWithTax: Money! updatedAt: DateTime! productVariant: ProductVariant!
}
type Fulfillment { id: ID! state: String! updatedAt: DateTime! nextStates: [String!]! lines: [FulfillmentLine!]! }
type FulfillmentLine { orderLineId: ID! quantity: Int! }
type Payment { state: String! amount: Money! refunds: [Refund!]! }
type Refund { state: String! total: Money! }
input OrderListOptions { skip: Int take: Int sort: OrderSortParameter filter: OrderFilterParameter }
input OrderSortParameter { id: SortOrder }
input OrderFilterParameter {
  id: IDOperators orderPlacedAt: DateOperators updatedAt: DateOperators
  _and: [OrderFilterParameter!] _or: [OrderFilterParameter!]
}
input IDOperators { in: [String!] }
input DateOperators { after: DateTime isNull: Boolean }
input FulfillOrderInput { lines: [OrderLineInput!]! handler: ConfigurableOperationInput! }
input OrderLineInput { orderLineId: ID! quantity: Int! }
input ConfigurableOperationInput { code: String! arguments: [ConfigArgInput!]! }
input ConfigArgInput { name: String! value: String! }
input CancelOrderInput { orderId: ID! lines: [OrderLineInput!] cancelShipping: Boolean reason: String }
"""
