"""The JSON Schema of the settings, for editors: `python -m omnisync.settings.schema > config/omnisync.schema.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from omnisync.settings.models import Settings


def schema_text(own: Mapping[str, type[BaseModel]]) -> str:
    """The schema as the committed file holds it; `own` is what our adapters understand below `[channels.settings]`."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    channel = schema["$defs"]["ChannelSettings"]
    # Ours are offered; what other packages bring is known only where they are installed.
    kind = channel["properties"]["adapter"].pop("type")
    channel["properties"]["adapter"]["anyOf"] = [{"enum": list(own)}, {"type": kind}]
    channel["allOf"] = [
        {
            "if": {"properties": {"adapter": {"const": adapter}}, "required": ["adapter"]},
            "then": {"properties": {"settings": {"$ref": f"#/$defs/{adapter}"}}, "required": ["settings"]},
        }
        for adapter in own
    ]
    for adapter, model in own.items():
        below = model.model_json_schema(ref_template=f"#/$defs/{adapter}/$defs/{{model}}")
        schema["$defs"][adapter] = _outside(below)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _outside(schema: Any) -> Any:
    """The same schema, with every secret as it stands in the file."""
    if isinstance(schema, list):
        return [_outside(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("writeOnly"):
        kept = {key: value for key, value in schema.items() if key in ("title", "description", "default")}
        return {**kept, "type": "string", "pattern": "^(env|file):."}
    return {key: _outside(value) for key, value in schema.items()}


if __name__ == "__main__":
    from omnisync.adapters.registry import ours

    sys.stdout.write(schema_text(ours()))
