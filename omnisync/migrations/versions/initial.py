"""All tables of the first release, and the triggers that keep journals append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from omnisync import db, journals

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_key",
        sa.Column("prefix", db.Name(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("location", db.Name(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("revoked_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("prefix"),
    )
    op.create_table(
        "act",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("thing", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_act_at"), "act", ["at"], unique=False)
    op.create_table(
        "alert_told",
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("kind", db.Name(), nullable=False),
        sa.Column("about", db.Name(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("since", db.Instant(), nullable=False),
        sa.Column("told_at", db.Instant(), nullable=False),
        sa.Column("clear_since", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "archive",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("month", db.Name(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("until", db.Instant(), nullable=False),
        sa.Column("happened_until", db.Instant(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("movements", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.BigInteger(), nullable=False),
        sa.Column("carried", sa.BigInteger(), nullable=False),
        sa.Column("sums", sa.JSON(), nullable=False),
        sa.Column("standing", sa.BigInteger(), nullable=False),
        sa.Column("standing_digest", sa.String(), nullable=False),
        sa.Column("archived_at", db.Instant(), nullable=False),
        sa.Column("door", db.Serial(), nullable=True),
        sa.CheckConstraint("id > 0", name="archive_ids_begin_at_one"),
        sa.ForeignKeyConstraint(
            ["door"], ["archive.id"], name="archive_shuts_its_door", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("month"),
    )
    op.create_table(
        "archived_key",
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "article",
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("size", sa.String(), nullable=True),
        sa.Column("colour", sa.String(), nullable=True),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("shelf", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("stocked", sa.Boolean(), nullable=False),
        sa.Column("vat_rate", sa.Integer(), nullable=True),
        sa.Column("cost_minor", sa.Integer(), nullable=True),
        sa.Column("min_price_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("min_age", sa.Integer(), nullable=True),
        sa.Column("backorder", sa.String(), nullable=True),
        sa.Column("b_ware", db.Name(), nullable=True),
        sa.Column("changed_at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sku"),
    )
    op.create_table(
        "balance",
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.Column("safety", sa.Integer(), nullable=False),
        sa.Column("backorder", sa.Integer(), nullable=False),
        sa.Column("due_at", db.Instant(), nullable=True),
        sa.Column("off_sale", sa.Boolean(), nullable=False),
        sa.Column("off_sale_at", db.Instant(), nullable=True),
        sa.Column("counted_at", db.Instant(), nullable=True),
        sa.Column("changed_at", db.Instant(), nullable=False),
        sa.Column("shelf", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("location", "sku"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "balance_changed",
        "balance",
        ["changed_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )
    op.create_index(
        "balance_due",
        "balance",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("balance_sku", "balance", ["sku"], unique=False)
    op.create_table(
        "browser_session",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("user_name", db.Name(), nullable=True),
        sa.Column("device_id", db.Name(), nullable=True),
        sa.Column("person", db.Name(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("seen_at", db.Instant(), nullable=False),
        sa.Column("until", db.Instant(), nullable=False),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("browser_session_of_device", "browser_session", ["device_id"], unique=False)
    op.create_index("browser_session_until", "browser_session", ["until"], unique=False)
    op.create_table(
        "channel_conflict",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("order_id", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shortage_id", sa.Integer(), nullable=True),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "channel_health",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("paused_at", db.Instant(), nullable=True),
        sa.Column("writes", db.Name(), nullable=True),
        sa.Column("attention", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("last_error_at", db.Instant(), nullable=True),
        sa.Column("last_success_at", db.Instant(), nullable=True),
        sa.Column("last_heard_at", db.Instant(), nullable=True),
        sa.Column("pulled_at", db.Instant(), nullable=True),
        sa.Column("subscribed_at", db.Instant(), nullable=True),
        sa.Column("silent_topics", sa.JSON(), nullable=True),
        sa.Column("retry_at", db.Instant(), nullable=True),
        sa.Column("told_until", db.Instant(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("breaker", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "channel_listing",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("external_id", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=True),
        sa.Column("barcode", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("added_at", db.Instant(), nullable=False),
        sa.Column("missed_at", db.Instant(), nullable=True),
        sa.Column("gone_at", db.Instant(), nullable=True),
        sa.Column("gone_case", db.Name(), nullable=True),
        sa.Column("named", sa.String(), nullable=True),
        sa.Column("was_barcode", sa.String(), nullable=True),
        sa.Column("kept_sku", db.Name(), nullable=True),
        sa.Column("kept_barcode", sa.String(), nullable=True),
        sa.Column("ignored_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "external_id"),
    )
    op.create_index(
        "channel_listing_missed",
        "channel_listing",
        ["channel"],
        unique=False,
        sqlite_where=sa.text("missed_at IS NOT NULL"),
        postgresql_where=sa.text("missed_at IS NOT NULL"),
    )
    op.create_index("channel_listing_sku", "channel_listing", ["channel", "sku"], unique=False)
    op.create_table(
        "channel_order",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("external_id", db.Name(), nullable=False),
        sa.Column("reference", db.Name(), nullable=False),
        sa.Column("version", db.Instant(), nullable=False),
        sa.Column("placed_at", db.Instant(), nullable=False),
        sa.Column("seen_at", db.Instant(), nullable=False),
        sa.Column("counter", sa.Boolean(), nullable=False),
        sa.Column("pickup", sa.Boolean(), nullable=False),
        sa.Column("collect_at", db.Name(), nullable=True),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("lowered", sa.Boolean(), nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("customer_id", db.Name(), nullable=True),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("released_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "external_id"),
    )
    op.create_index("channel_order_reference", "channel_order", ["channel", "reference"], unique=False)
    op.create_index("channel_order_unpaid", "channel_order", ["channel", "paid", "placed_at"], unique=False)
    op.create_table(
        "channel_place",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("place", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "place"),
    )
    op.create_table(
        "code_tries",
        sa.Column("scope", db.Name(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "component_then",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("bundle", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("valid_from", db.Instant(), nullable=False),
        sa.Column("valid_to", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_component_then_bundle"), "component_then", ["bundle"], unique=False)
    op.create_index(op.f("ix_component_then_sku"), "component_then", ["sku"], unique=False)
    op.create_table(
        "cursor",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("name", db.Name(), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "name"),
    )
    op.create_table(
        "customer",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("erase_after", db.Instant(), nullable=True),
        sa.Column("erased_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_customer_email"), "customer", ["email"], unique=False)
    op.create_index(op.f("ix_customer_erase_after"), "customer", ["erase_after"], unique=False)
    op.create_index(op.f("ix_customer_phone"), "customer", ["phone"], unique=False)
    op.create_table(
        "dead_letter",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("opened_at", db.Instant(), nullable=False),
        sa.Column("last_at", db.Instant(), nullable=False),
        sa.Column("closed_at", db.Instant(), nullable=True),
        sa.Column("closed_how", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "key"),
    )
    op.create_index("dead_letter_open", "dead_letter", ["channel", "closed_at"], unique=False)
    op.create_table(
        "device",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("code_hash", db.Name(), nullable=False),
        sa.Column("invited_at", db.Instant(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("enrolled_at", db.Instant(), nullable=True),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("locked_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index("device_of_store", "device", ["location", "ended_at"], unique=False)
    op.create_table(
        "event",
        sa.Column("position", db.Serial(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index(op.f("ix_event_at"), "event", ["at"], unique=False)
    op.create_table(
        "event_pending",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "event_shelf",
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("location", "sku"),
    )
    op.create_table(
        "event_subscription",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("position", db.Serial(), nullable=False),
        sa.Column("delivered_at", db.Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", db.Instant(), nullable=True),
        sa.Column("next_try_at", db.Instant(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("disabled_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "goods_return",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("order_id", db.Name(), nullable=True),
        sa.Column("reference", db.Name(), nullable=True),
        sa.Column("counter", sa.Boolean(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("came_at", db.Instant(), nullable=False),
        sa.Column("recorded_at", db.Instant(), nullable=False),
        sa.Column("decided_at", db.Instant(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("sellable", sa.Integer(), nullable=False),
        sa.Column("b_ware", sa.Integer(), nullable=False),
        sa.Column("b_ware_sku", db.Name(), nullable=True),
        sa.Column("scrap", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("goods_return_near", "goods_return", ["sku", "came_at"], unique=False)
    op.create_index("goods_return_open", "goods_return", ["decided_at", "location"], unique=False)
    op.create_index("goods_return_told", "goods_return", ["channel", "recorded_at"], unique=False)
    op.create_table(
        "hand_over",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("pickup_id", db.Name(), nullable=True),
        sa.Column("sale_key", db.Name(), nullable=True),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("matched_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hand_over_open", "hand_over", ["location", "sku", "at"], unique=False)
    op.create_table(
        "heard_at",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "location"),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", db.Name(), nullable=False),
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"], unique=False)
    op.create_table(
        "import_run",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", db.Name(), nullable=True),
        sa.Column("counted_at", db.Instant(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_hash", sa.String(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("booked_line", sa.Integer(), nullable=True),
        sa.Column("undone_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_import_run_file_hash"), "import_run", ["file_hash"], unique=False)
    op.create_table(
        "inbox_message",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("event_id", db.Name(), nullable=False),
        sa.Column("body_hash", db.Name(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("received_at", db.Instant(), nullable=False),
        sa.Column("next_try_at", db.Instant(), nullable=True),
        sa.Column("handled_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "event_id", "body_hash"),
    )
    op.create_index("inbox_due", "inbox_message", ["state", "next_try_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", db.Name(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("until", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "mail",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("customer_id", db.Name(), nullable=True),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", db.Instant(), nullable=True),
        sa.Column("sent_at", db.Instant(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_mail_customer_id"), "mail", ["customer_id"], unique=False)
    op.create_index("mail_due", "mail", ["sent_at", "next_try_at"], unique=False)
    op.create_table(
        "movement",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.Column("safety", sa.Integer(), nullable=False),
        sa.Column("backorder", sa.Integer(), nullable=False),
        sa.Column("key", db.Name(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("promise", db.Name(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("due_at", db.Instant(), nullable=True),
        sa.Column("occurred_at", db.Instant(), nullable=False),
        sa.Column("recorded_at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "movement_awaited",
        "movement",
        ["location", "sku", "id"],
        unique=False,
        sqlite_where=sa.text("incoming != 0"),
        postgresql_where=sa.text("incoming != 0"),
    )
    op.create_index(
        "movement_counted",
        "movement",
        ["location", "sku", "occurred_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'count'"),
        postgresql_where=sa.text("kind = 'count'"),
    )
    op.create_index(
        "movement_key",
        "movement",
        ["key"],
        unique=True,
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_index(
        "movement_promise",
        "movement",
        ["promise"],
        unique=False,
        sqlite_where=sa.text("promise IS NOT NULL"),
        postgresql_where=sa.text("promise IS NOT NULL"),
    )
    op.create_index("movement_shelf", "movement", ["location", "sku", "id"], unique=False)
    op.create_table(
        "pickup_act",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("pickup_id", db.Name(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("device", db.Name(), nullable=True),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pickup_act_of", "pickup_act", ["pickup_id", "id"], unique=False)
    op.create_table(
        "pickup_number",
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("location"),
    )
    op.create_table(
        "pickup_pause",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("since", db.Instant(), nullable=False),
        sa.Column("until", db.Instant(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pickup_pause_until", "pickup_pause", ["until"], unique=False)
    op.create_table(
        "policy",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", db.Name(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("valid_from", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("policy_of", "policy", ["scope", "name", "valid_from"], unique=False)
    op.create_table(
        "price",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sku", db.Name(), nullable=True),
        sa.Column("channel", db.Name(), nullable=True),
        sa.Column("amount_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("percent_hundredths", sa.Integer(), nullable=True),
        sa.Column("add_minor", sa.Integer(), nullable=True),
        sa.Column("ending_minor", sa.Integer(), nullable=True),
        sa.Column("valid_from", db.Instant(), nullable=False),
        sa.Column("valid_to", db.Instant(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("price_by_sku", "price", ["sku", "channel", "valid_from"], unique=False)
    op.create_table(
        "price_applied",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("applied_at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("price_applied_by_sku", "price_applied", ["sku", "channel", "applied_at"], unique=False)
    op.create_table(
        "promise",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("reference", db.Name(), nullable=False),
        sa.Column("order_id", db.Name(), nullable=False),
        sa.Column("line_id", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("promise_order", "promise", ["order_id"], unique=False)
    op.create_index("promise_reference", "promise", ["channel", "reference"], unique=False)
    op.create_index("promise_shelf", "promise", ["location", "sku"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel", db.Name(), nullable=True),
        sa.Column("reference", db.Name(), nullable=True),
        sa.Column("owner", db.Name(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("expires_at", db.Instant(), nullable=True),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.Column("pickup", db.Name(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reservation_due", "reservation", ["state", "expires_at", "owner"], unique=False)
    op.create_index("reservation_reference", "reservation", ["reference", "channel"], unique=False)
    op.create_table(
        "sent",
        sa.Column("tag", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("external_id", db.Name(), nullable=False),
        sa.Column("place", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("changed_at", db.Instant(), nullable=True),
        sa.Column("sent_at", db.Instant(), nullable=False),
        sa.Column("applied_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tag"),
    )
    op.create_index("sent_listing", "sent", ["channel", "sku", "sent_at"], unique=False)
    op.create_table(
        "shortage",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("worst", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("opened_at", db.Instant(), nullable=False),
        sa.Column("closed_at", db.Instant(), nullable=True),
        sa.Column("accepted_at", db.Instant(), nullable=True),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "shortage_open",
        "shortage",
        ["location", "sku"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "shown_state",
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("external_id", db.Name(), nullable=False),
        sa.Column("place", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=True),
        sa.Column("wanted_price_minor", sa.Integer(), nullable=True),
        sa.Column("wanted_price_currency", sa.String(), nullable=True),
        sa.Column("behind_since", db.Instant(), nullable=True),
        sa.Column("believed", sa.Integer(), nullable=True),
        sa.Column("applied", sa.Integer(), nullable=True),
        sa.Column("applied_at", db.Instant(), nullable=True),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("price_currency", sa.String(), nullable=True),
        sa.Column("price_at", db.Instant(), nullable=True),
        sa.Column("applied_price_minor", sa.Integer(), nullable=True),
        sa.Column("price_before_minor", sa.Integer(), nullable=True),
        sa.Column("price_drift_since", db.Instant(), nullable=True),
        sa.Column("price_left_minor", sa.Integer(), nullable=True),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("submitted", sa.Integer(), nullable=True),
        sa.Column("submitted_price_minor", sa.Integer(), nullable=True),
        sa.Column("submitted_at", db.Instant(), nullable=True),
        sa.Column("compare", sa.Integer(), nullable=True),
        sa.Column("in_flight_until", db.Instant(), nullable=True),
        sa.Column("unsettled", sa.String(), nullable=True),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("doubted", db.Name(), nullable=True),
        sa.Column("contradicted", sa.Integer(), nullable=False),
        sa.Column("contradicted_at", db.Instant(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("seen_at", db.Instant(), nullable=True),
        sa.Column("seen_version", sa.String(), nullable=True),
        sa.Column("allocated", sa.Integer(), nullable=False),
        sa.Column("look_at", db.Instant(), nullable=True),
        sa.Column("drift_since", db.Instant(), nullable=True),
        sa.Column("provisional", sa.Integer(), nullable=False),
        sa.Column("provisional_at", db.Instant(), nullable=True),
        sa.Column("perhaps", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", db.Instant(), nullable=True),
        sa.Column("blocked_reason", sa.String(), nullable=True),
        sa.Column("guard_case", db.Name(), nullable=True),
        sa.Column("guard_decision", sa.String(), nullable=True),
        sa.Column("guard_quantity", sa.Integer(), nullable=True),
        sa.Column("guard_price_minor", sa.Integer(), nullable=True),
        sa.Column("emptied_since", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "external_id", "place"),
    )
    op.create_index("shown_state_behind", "shown_state", ["channel", "behind_since"], unique=False)
    op.create_index("shown_state_look", "shown_state", ["channel", "look_at"], unique=False)
    op.create_index(
        "shown_state_provisional",
        "shown_state",
        ["sku"],
        unique=False,
        sqlite_where=sa.text("provisional > 0"),
        postgresql_where=sa.text("provisional > 0"),
    )
    op.create_index(
        "shown_state_provisional_at",
        "shown_state",
        ["provisional_at"],
        unique=False,
        sqlite_where=sa.text("provisional_at IS NOT NULL"),
        postgresql_where=sa.text("provisional_at IS NOT NULL"),
    )
    op.create_index("shown_state_sku", "shown_state", ["sku"], unique=False)
    op.create_table(
        "stocktake",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("opened_at", db.Instant(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_how", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "stocktake_open",
        "stocktake",
        ["location"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sync_case",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("opened_at", db.Instant(), nullable=False),
        sa.Column("closed_at", db.Instant(), nullable=True),
        sa.Column("closed_how", sa.String(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sync_case_open", "sync_case", ["channel", "closed_at"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=True),
        sa.Column("pickup_id", db.Name(), nullable=True),
        sa.Column("transfer_id", db.Name(), nullable=True),
        sa.Column("shelf", sa.String(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("done_at", db.Instant(), nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("task_open", "task", ["location", "done_at"], unique=False)
    op.create_table(
        "told",
        sa.Column("pickup_id", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("pickup_id"),
    )
    op.create_index(op.f("ix_told_channel"), "told", ["channel"], unique=False)
    op.create_table(
        "transfer",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("from_location", db.Name(), nullable=False),
        sa.Column("to_location", db.Name(), nullable=False),
        sa.Column("pickup_id", db.Name(), nullable=True),
        sa.Column("promise", db.Name(), nullable=True),
        sa.Column("asked_at", db.Instant(), nullable=False),
        sa.Column("sent_at", db.Instant(), nullable=True),
        sa.Column("due_at", db.Instant(), nullable=False),
        sa.Column("received_at", db.Instant(), nullable=True),
        sa.Column("received_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("transfer_open", "transfer", ["to_location", "received_at"], unique=False)
    op.create_index("transfer_promise", "transfer", ["promise"], unique=False)
    op.create_table(
        "unseen_then",
        sa.Column("id", db.Serial(), nullable=False),
        sa.Column("channel", db.Name(), nullable=False),
        sa.Column("external_id", db.Name(), nullable=False),
        sa.Column("place", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("at", db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_unseen_then_sku"), "unseen_then", ["sku"], unique=False)
    op.create_index("unseen_then_of", "unseen_then", ["channel", "external_id", "place", "id"], unique=False)
    op.create_table(
        "user_account",
        sa.Column("name", db.Name(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("location", db.Name(), nullable=True),
        sa.Column("initials", db.Name(), nullable=True),
        sa.Column("pin_hash", sa.String(), nullable=True),
        sa.Column("created_at", db.Instant(), nullable=False),
        sa.Column("disabled_at", db.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index(
        "user_initials",
        "user_account",
        ["location", "initials"],
        unique=True,
        sqlite_where=sa.text("disabled_at IS NULL"),
        postgresql_where=sa.text("disabled_at IS NULL"),
    )
    op.create_table(
        "barcode",
        sa.Column("code", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["article.sku"],
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index(op.f("ix_barcode_sku"), "barcode", ["sku"], unique=False)
    op.create_table(
        "component",
        sa.Column("bundle", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bundle"],
            ["article.sku"],
        ),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["article.sku"],
        ),
        sa.PrimaryKeyConstraint("bundle", "sku"),
    )
    op.create_table(
        "import_change",
        sa.Column("run_id", db.Name(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("key", db.Name(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["import_run.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "subject", "key"),
    )
    op.create_table(
        "order_line",
        sa.Column("order_id", db.Name(), nullable=False),
        sa.Column("line_id", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=True),
        sa.Column("external_article", db.Name(), nullable=True),
        sa.Column("barcode", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("restocked", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("stocked", sa.Boolean(), nullable=False),
        sa.Column("waiting", sa.String(), nullable=True),
        sa.Column("bound", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["channel_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line_id"),
    )
    op.create_index("order_line_waiting", "order_line", ["waiting"], unique=False)
    op.create_table(
        "pickup",
        sa.Column("id", db.Name(), nullable=False),
        sa.Column("number", db.Name(), nullable=False),
        sa.Column("code_hash", db.Name(), nullable=False),
        sa.Column("channel", db.Name(), nullable=True),
        sa.Column("reference", db.Name(), nullable=True),
        sa.Column("location", db.Name(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("gift", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("shelf", sa.String(), nullable=True),
        sa.Column("reservation_id", db.Name(), nullable=False),
        sa.Column("customer_id", db.Name(), nullable=False),
        sa.Column("owner", db.Name(), nullable=True),
        sa.Column("placed_at", db.Instant(), nullable=False),
        sa.Column("ready_by", db.Instant(), nullable=False),
        sa.Column("collect_by", db.Instant(), nullable=False),
        sa.Column("ready_at", db.Instant(), nullable=True),
        sa.Column("reminded_at", db.Instant(), nullable=True),
        sa.Column("ended_at", db.Instant(), nullable=True),
        sa.Column("collected_how", sa.String(), nullable=True),
        sa.Column("handed_over_by", sa.String(), nullable=True),
        sa.Column("accept_by", db.Instant(), nullable=True),
        sa.Column("accepted_at", db.Instant(), nullable=True),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("alarmed_at", db.Instant(), nullable=True),
        sa.Column("warned_at", db.Instant(), nullable=True),
        sa.Column("agreed_how", sa.String(), nullable=True),
        sa.Column("agreed_at", db.Instant(), nullable=True),
        sa.Column("agreed_by", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index(op.f("ix_pickup_customer_id"), "pickup", ["customer_id"], unique=False)
    op.create_index(op.f("ix_pickup_number"), "pickup", ["number"], unique=False)
    op.create_index("pickup_accept", "pickup", ["state", "accept_by"], unique=False)
    op.create_index("pickup_due", "pickup", ["state", "collect_by"], unique=False)
    op.create_index("pickup_list", "pickup", ["location", "state", "ready_by"], unique=False)
    op.create_index("pickup_owner", "pickup", ["owner", "state"], unique=False)
    op.create_index("pickup_promised", "pickup", ["state", "ready_by"], unique=False)
    op.create_index("pickup_reference", "pickup", ["channel", "reference"], unique=False)
    op.create_table(
        "stocktake_line",
        sa.Column("stocktake_id", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("counted_at", db.Instant(), nullable=True),
        sa.Column("counted_by", sa.String(), nullable=True),
        sa.Column("known", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["stocktake_id"],
            ["stocktake.id"],
        ),
        sa.PrimaryKeyConstraint("stocktake_id", "sku"),
    )
    op.create_table(
        "transfer_line",
        sa.Column("transfer_id", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("called_off", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("each", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfer.id"],
        ),
        sa.PrimaryKeyConstraint("transfer_id", "sku"),
    )
    op.create_table(
        "pickup_line",
        sa.Column("pickup_id", db.Name(), nullable=False),
        sa.Column("sku", db.Name(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.Column("coming", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("collected", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pickup_id"],
            ["pickup.id"],
        ),
        sa.PrimaryKeyConstraint("pickup_id", "sku"),
    )
    for journal in journals.JOURNALS:
        for statement, dialect in journals.journal_triggers(journal):
            if dialect == op.get_bind().dialect.name:
                op.execute(sa.text(statement))


def downgrade() -> None:
    op.drop_table("pickup_line")
    op.drop_table("transfer_line")
    op.drop_table("stocktake_line")
    op.drop_index("pickup_reference", table_name="pickup")
    op.drop_index("pickup_promised", table_name="pickup")
    op.drop_index("pickup_owner", table_name="pickup")
    op.drop_index("pickup_list", table_name="pickup")
    op.drop_index("pickup_due", table_name="pickup")
    op.drop_index("pickup_accept", table_name="pickup")
    op.drop_index(op.f("ix_pickup_number"), table_name="pickup")
    op.drop_index(op.f("ix_pickup_customer_id"), table_name="pickup")
    op.drop_table("pickup")
    op.drop_index("order_line_waiting", table_name="order_line")
    op.drop_table("order_line")
    op.drop_table("import_change")
    op.drop_table("component")
    op.drop_index(op.f("ix_barcode_sku"), table_name="barcode")
    op.drop_table("barcode")
    op.drop_index(
        "user_initials",
        table_name="user_account",
        sqlite_where=sa.text("disabled_at IS NULL"),
        postgresql_where=sa.text("disabled_at IS NULL"),
    )
    op.drop_table("user_account")
    op.drop_index("unseen_then_of", table_name="unseen_then")
    op.drop_index(op.f("ix_unseen_then_sku"), table_name="unseen_then")
    op.drop_table("unseen_then")
    op.drop_index("transfer_promise", table_name="transfer")
    op.drop_index("transfer_open", table_name="transfer")
    op.drop_table("transfer")
    op.drop_index(op.f("ix_told_channel"), table_name="told")
    op.drop_table("told")
    op.drop_index("task_open", table_name="task")
    op.drop_table("task")
    op.drop_index("sync_case_open", table_name="sync_case")
    op.drop_table("sync_case")
    op.drop_index(
        "stocktake_open",
        table_name="stocktake",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("stocktake")
    op.drop_index("shown_state_sku", table_name="shown_state")
    op.drop_index(
        "shown_state_provisional_at",
        table_name="shown_state",
        sqlite_where=sa.text("provisional_at IS NOT NULL"),
        postgresql_where=sa.text("provisional_at IS NOT NULL"),
    )
    op.drop_index(
        "shown_state_provisional",
        table_name="shown_state",
        sqlite_where=sa.text("provisional > 0"),
        postgresql_where=sa.text("provisional > 0"),
    )
    op.drop_index("shown_state_look", table_name="shown_state")
    op.drop_index("shown_state_behind", table_name="shown_state")
    op.drop_table("shown_state")
    op.drop_index(
        "shortage_open",
        table_name="shortage",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("shortage")
    op.drop_index("sent_listing", table_name="sent")
    op.drop_table("sent")
    op.drop_index("reservation_reference", table_name="reservation")
    op.drop_index("reservation_due", table_name="reservation")
    op.drop_table("reservation")
    op.drop_index("promise_shelf", table_name="promise")
    op.drop_index("promise_reference", table_name="promise")
    op.drop_index("promise_order", table_name="promise")
    op.drop_table("promise")
    op.drop_index("price_applied_by_sku", table_name="price_applied")
    op.drop_table("price_applied")
    op.drop_index("price_by_sku", table_name="price")
    op.drop_table("price")
    op.drop_index("policy_of", table_name="policy")
    op.drop_table("policy")
    op.drop_index("pickup_pause_until", table_name="pickup_pause")
    op.drop_table("pickup_pause")
    op.drop_table("pickup_number")
    op.drop_index("pickup_act_of", table_name="pickup_act")
    op.drop_table("pickup_act")
    op.drop_index("movement_shelf", table_name="movement")
    op.drop_index(
        "movement_promise",
        table_name="movement",
        sqlite_where=sa.text("promise IS NOT NULL"),
        postgresql_where=sa.text("promise IS NOT NULL"),
    )
    op.drop_index(
        "movement_key",
        table_name="movement",
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.drop_index(
        "movement_counted",
        table_name="movement",
        sqlite_where=sa.text("kind = 'count'"),
        postgresql_where=sa.text("kind = 'count'"),
    )
    op.drop_index(
        "movement_awaited",
        table_name="movement",
        sqlite_where=sa.text("incoming != 0"),
        postgresql_where=sa.text("incoming != 0"),
    )
    op.drop_table("movement")
    op.drop_index("mail_due", table_name="mail")
    op.drop_index(op.f("ix_mail_customer_id"), table_name="mail")
    op.drop_table("mail")
    op.drop_table("lease")
    op.drop_index("inbox_due", table_name="inbox_message")
    op.drop_table("inbox_message")
    op.drop_index(op.f("ix_import_run_file_hash"), table_name="import_run")
    op.drop_table("import_run")
    op.drop_index(op.f("ix_idempotency_at"), table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("heard_at")
    op.drop_index("hand_over_open", table_name="hand_over")
    op.drop_table("hand_over")
    op.drop_index("goods_return_told", table_name="goods_return")
    op.drop_index("goods_return_open", table_name="goods_return")
    op.drop_index("goods_return_near", table_name="goods_return")
    op.drop_table("goods_return")
    op.drop_table("event_subscription")
    op.drop_table("event_shelf")
    op.drop_table("event_pending")
    op.drop_index(op.f("ix_event_at"), table_name="event")
    op.drop_table("event")
    op.drop_index("device_of_store", table_name="device")
    op.drop_table("device")
    op.drop_index("dead_letter_open", table_name="dead_letter")
    op.drop_table("dead_letter")
    op.drop_index(op.f("ix_customer_phone"), table_name="customer")
    op.drop_index(op.f("ix_customer_erase_after"), table_name="customer")
    op.drop_index(op.f("ix_customer_email"), table_name="customer")
    op.drop_table("customer")
    op.drop_table("cursor")
    op.drop_index(op.f("ix_component_then_sku"), table_name="component_then")
    op.drop_index(op.f("ix_component_then_bundle"), table_name="component_then")
    op.drop_table("component_then")
    op.drop_table("code_tries")
    op.drop_table("channel_place")
    op.drop_index("channel_order_unpaid", table_name="channel_order")
    op.drop_index("channel_order_reference", table_name="channel_order")
    op.drop_table("channel_order")
    op.drop_index("channel_listing_sku", table_name="channel_listing")
    op.drop_index(
        "channel_listing_missed",
        table_name="channel_listing",
        sqlite_where=sa.text("missed_at IS NOT NULL"),
        postgresql_where=sa.text("missed_at IS NOT NULL"),
    )
    op.drop_table("channel_listing")
    op.drop_table("channel_health")
    op.drop_table("channel_conflict")
    op.drop_index("browser_session_until", table_name="browser_session")
    op.drop_index("browser_session_of_device", table_name="browser_session")
    op.drop_table("browser_session")
    op.drop_index("balance_sku", table_name="balance")
    op.drop_index(
        "balance_due",
        table_name="balance",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_index(
        "balance_changed",
        table_name="balance",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )
    op.drop_table("balance")
    op.drop_table("article")
    op.drop_table("archived_key")
    op.drop_table("archive")
    op.drop_table("alert_told")
    op.drop_index(op.f("ix_act_at"), table_name="act")
    op.drop_table("act")
    op.drop_table("access_key")
    if op.get_bind().dialect.name == "postgresql":
        for journal in journals.JOURNALS:
            op.execute(sa.text(f"DROP FUNCTION {journal}_append_only()"))
