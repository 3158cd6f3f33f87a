"""Writes what follows from `Settings` and from values.yaml into the files of the Helm chart: `make proxy`.

Of `values.schema.json` that is which settings there are, and of the README the table of values.
`tests/proxy/chart/test_written.py` fails if a file differs from what this would write.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import SecretStr

from jobs.settings import Settings

CHART = Path(__file__).parent / "helm" / "haulage"
VALUES, SCHEMA, README = CHART / "values.yaml", CHART / "values.schema.json", CHART / "README.md"

SECRET = ("DATABASE_URL", "REDIS_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
"""Settings that always come from the secret."""
URLS_WITH_PASSWORDS = ("DATABASE_REPLICA_URL", "EGRESS_PROXY", "SMTP_URL")
"""Further settings whose URLs may have a password."""
ONLY_SECRET = (
    *(
        name.upper()
        for name, field in Settings.model_fields.items()
        if name.upper() not in SECRET and SecretStr in (field.annotation, *get_args(field.annotation))
    ),
    *URLS_WITH_PASSWORDS,
)
"""Settings that come from the secret if `secretSettings` names them, and are refused as values: those would be legible
in the release and in the pods."""
FROM_VALUES = (
    *("PORT", "INTAKE_PORT", "STREAM_DRAIN", "SHUTDOWN_TIMEOUT"),
    *("WORKER_KINDS", "WORKER_CONCURRENCY", "PROCESSING_SLOTS", "VIDEO_SLOTS", "DRAIN_TIMEOUT", "SCRATCH_DIR"),
    *("METRICS_PORT", "METRICS_HOST"),
)
"""Settings that the chart makes of other values, since ports, probes or grace periods follow from them, too."""
KEPT = ("type", "enum", "minimum", "maximum", "exclusiveMinimum")
"""What the schema of a value takes over from that of its setting."""
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->"


def settings_schema() -> dict[str, Any]:
    """The schema of `settings`: every setting that is no secret by the name of its variable, and no other."""
    fields = Settings.model_json_schema()["properties"]
    properties = {
        name.upper(): _value_schema(field)
        for name, field in fields.items()
        if name.upper() not in {*SECRET, *ONLY_SECRET, *FROM_VALUES}
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value_schema(field: dict[str, Any]) -> dict[str, Any]:
    """Lists and objects are text, as in the environment."""
    one = next((choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"), field)
    if one.get("type") not in {"string", "integer", "number", "boolean"}:
        return {"type": "string"}
    return {name: value for name, value in one.items() if name in KEPT}


def schema() -> str:
    """The text of `values.schema.json`."""
    written = json.loads(SCHEMA.read_text(encoding="utf-8"))
    written["definitions"]["settings"] = settings_schema()
    required = [name.upper() for name, field in Settings.model_fields.items() if field.is_required()]
    written["definitions"]["requiredSettings"] = {"required": [name for name in required if name not in SECRET]}
    names = [name.upper() for name in Settings.model_fields if name.upper() not in {*SECRET, *FROM_VALUES}]
    written["definitions"]["secretSetting"] = {"enum": names}
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def described() -> list[tuple[tuple[str, ...], str]]:
    """The values that have a comment before their key in `values.yaml`: the path and the comment."""
    found, path, comment = [], list[tuple[int, str]](), list[str]()
    for line in VALUES.read_text(encoding="utf-8").splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped.lstrip("# "))
            continue
        if match := re.match(r"( *)([A-Za-z_]+):", line):
            indent = len(match[1])
            path = [(depth, key) for depth, key in path if depth < indent] + [(indent, match[2])]
            if comment:
                found.append((tuple(key for _, key in path), " ".join(comment)))
        comment = []
    return found


def default(path: tuple[str, ...]) -> Any:
    """The value at this path of `values.yaml`."""
    value = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    for key in path:
        value = value[key]
    return value


def readme() -> str:
    """The text of the README."""
    rows = ["| value | default | what it is |", "|---|---|---|"]
    for path, comment in described():
        value = json.dumps(default(path), ensure_ascii=False)
        rows.append(f"| `{'.'.join(path)}` | `{value}` | {comment} |")
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n".join(rows) + "\n" + END + after


def main() -> None:
    for file, text in ((SCHEMA, schema()), (README, readme())):
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
