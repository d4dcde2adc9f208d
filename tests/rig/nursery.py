"""Everything that a program of ours imports, loaded once: the process that programs are forked from begins with this.

What it holds is frozen, so that no program looks through it for garbage.
"""

import gc

import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.orm

import omnisync.adapters.shopify
import omnisync.app
import omnisync.commands.backup
import omnisync.commands.doctor
import omnisync.commands.imports
import omnisync.commands.keys
import omnisync.commands.serve
import omnisync.commands.sync
import omnisync.commands.users
import omnisync.commands.verify
import omnisync.demo.shopify.app  # noqa: F401  all of them for what importing does

sqlalchemy.orm.configure_mappers()
gc.collect()
gc.freeze()
