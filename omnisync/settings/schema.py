"""The JSON Schema of the settings, for editors: `python -m omnisync.settings.schema > config/omnisync.schema.json`."""

from __future__ import annotations

import json
import sys

from omnisync.settings.models import ADAPTERS, Settings


def schema_text() -> str:
    """The schema as the committed file holds it."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    # Ours are offered; what other packages bring is known only where they are installed.
    kind = schema["$defs"]["ChannelSettings"]["properties"]["adapter"].pop("type")
    schema["$defs"]["ChannelSettings"]["properties"]["adapter"]["anyOf"] = [{"enum": list(ADAPTERS)}, {"type": kind}]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
