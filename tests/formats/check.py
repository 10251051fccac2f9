"""Reads what `audit query` wrote with parsers of others, and compares every value with the JSON.

Usage: check.py FOLDER, with query.json, query.jsonl, query.csv, query.lossless.csv, query.cef, query.ocsf, query.ecs and
query.syslog in it. Writes ecs.ts for the check by Elastic's own types.
"""

import csv
import io
import json
import sys
from pathlib import Path

import pycef
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from syslog_rfc5424_parser import SyslogMessage

folder = Path(sys.argv[1])
checked = 0


def same(what, ours, theirs):
    """Fails where a value reads differently."""
    global checked
    checked += 1
    if ours != theirs:
        sys.exit(f"{what}: wrote {ours!r}, read {theirs!r}")


def text(name):
    return (folder / name).read_bytes().decode("utf-8")


def lines(name):
    return text(name).removesuffix("\n").split("\n")


def at(entry, path):
    """A value of the JSON, or None."""
    for part in path.split("."):
        if not isinstance(entry, dict) or part not in entry:
            return None
        entry = entry[part]
    return entry


def value(row, column):
    """What a flat column says of a row of the JSON."""
    own = {"vault": row["vault"], "epoch": str(row["epoch"]), "actor.name": row["name"], "object.title": row["title"]}
    return own[column] if column in own else at(row["entry"], column)


report = json.loads(text("query.json"))
rows = report["entries"]
same("count", report["count"], len(rows))
assert report["schema"] == "gapvault.audit.query/v1" and len(rows) > 5

# JSON Lines: the same objects.
same("jsonl", rows, [json.loads(line) for line in lines("query.jsonl")])

# CSV, by Python's reader: the lossless form to the letter, the other one with an apostrophe before what is no value.
stored = [line.split('"entry":', 1)[1].removesuffix("}") for line in lines("query.jsonl")]
lossless = list(csv.DictReader(io.StringIO(text("query.lossless.csv"), newline="")))
safe = list(csv.DictReader(io.StringIO(text("query.csv").removeprefix("\ufeff"), newline="")))
assert text("query.csv").startswith("\ufeff")
same("csv records", len(rows), len(lossless))
same("csv records", len(rows), len(safe))
apostrophes = 0
for row, line, record, harmless in zip(rows, stored, lossless, safe):
    same("csv entry", line, record.pop("entry"))
    same("csv columns", set(record), set(harmless))
    for column, cell in record.items():
        wrote = value(row, column) or ""
        same(f"csv-lossless {column}", wrote, cell)
        if harmless[column] != wrote:
            same(f"csv {column}", "'" + wrote, harmless[column])
            apostrophes += 1
        assert not harmless[column].lstrip().startswith(("=", "+", "-", "@")), harmless[column]
assert apostrophes > 0, "nothing in this log looked like a formula"

# CEF, by pycef.
KEYS = {
    "act": "event", "cat": "category", "outcome": "outcome", "reason": "reason", "suid": "actor.id",
    "suser": "actor.name", "spriv": "actor.role", "fileId": "object.id", "fileType": "object.kind",
    "fname": "object.title", "fsize": "object.size", "dvchost": "host",
}  # fmt: skip
CUSTOM = {
    "cs1": "vault", "cs2": "object.class", "cs3": "phase", "cs4": "zone", "cs5": "session", "cs6": "detail.code",
    "cn1": "epoch", "cn2": "seq", "cn3": "ref",
}  # fmt: skip
same("cef records", len(rows), len(lines("query.cef")))
for row, line in zip(rows, lines("query.cef")):
    event = pycef.parse(line)
    assert event, line
    entry = row["entry"]
    same("cef vendor", ("gapvault", "gapvault"), (event["DeviceVendor"], event["DeviceProduct"]))
    same("cef id", entry["event"], event["DeviceEventClassID"])
    same("cef severity", {"ok": "1", "failed": "5", "denied": "7"}[entry["outcome"]], event["DeviceSeverity"])
    same("cef uid", f"{row['vault']}/{row['epoch']}/{entry['seq']}", event["externalId"])
    # The format says line ends with letters and escapes two characters, which this parser leaves to its caller.
    undone = lambda cell: cell.replace("\\=", "=").replace("\\\\", "\\")
    for key, column in KEYS.items():
        wrote = value(row, column)
        same(f"cef {key}", wrote, None if event.get(key) is None else undone(event[key]))
    for key, column in CUSTOM.items():
        # This parser puts a custom value under its label.
        same(f"cef {key}", value(row, column), event.get(column, event.get(key)))

# RFC 5424, by syslog-rfc5424-parser.
PARAMS = [
    "vault", "epoch", "seq", "category", "phase", "ref", "outcome", "reason", "actor.id", "actor.name", "actor.role",
    "object.kind", "object.id", "object.title", "object.class", "zone",
]  # fmt: skip
same("syslog records", len(rows), len(lines("query.syslog")))
for row, line in zip(rows, lines("query.syslog")):
    message = SyslogMessage.parse(line)
    entry = row["entry"]
    same("syslog facility", 13, message.facility.value)
    same("syslog severity", {"ok": "info", "failed": "err", "denied": "warning"}[entry["outcome"]], message.severity.name)
    same("syslog time", entry["time"], message.timestamp)
    same("syslog host", entry["host"], message.hostname)
    same("syslog app", "gapvault", message.appname)
    same("syslog proc", entry["session"], str(message.procid))
    same("syslog id", entry["event"], message.msgid)
    same("syslog message", entry, json.loads(message.msg))
    params = message.sd["gapvault@32473"]
    # The escapes of the three characters are the reader's to undo.
    undone = {name: cell.replace('\\"', '"').replace("\\]", "]").replace("\\\\", "\\") for name, cell in params.items()}
    same("syslog data", {name: value(row, name) for name in PARAMS if value(row, name) is not None}, undone)

# OCSF, by the JSON Schema of its own metaschema.
schema = get_ocsf_schema(version="1.8.0")
classes = OcsfJsonSchemaEmbedded(schema)
validators = {}
same("ocsf records", len(rows), len(lines("query.ocsf")))
for row, line in zip(rows, lines("query.ocsf")):
    event = json.loads(line)
    entry = row["entry"]
    # Free by its nature; the generated schema takes an object without any field for one that may have none.
    unmapped = event.pop("unmapped")
    uid = event["class_uid"]
    if uid not in validators:
        name = classes.lookup_class_name_from_uid(uid)
        validators[uid] = Draft202012Validator(classes.get_class_schema(name, profiles=event["metadata"]["profiles"]))
    problems = [f"{error.json_path}: {error.message}" for error in validators[uid].iter_errors(event)]
    same(f"ocsf {entry['event']}", [], problems)
    same("ocsf raw", entry, json.loads(event["raw_data"]))
    same("ocsf version", "1.8.0", event["metadata"]["version"])
    same("ocsf uid", f"{row['vault']}/{row['epoch']}/{entry['seq']}", event["metadata"]["uid"])
    same("ocsf session", entry["session"], event["metadata"]["correlation_uid"])
    user = event.get("user") or event["actor"].get("user", {})
    same("ocsf user", at(entry, "actor.id"), user.get("uid"))
    if user.get("uid"):
        same("ocsf name", row["name"], user.get("name"))
    if "file" in event:
        same("ocsf file", (at(entry, "object.id"), row["title"] or at(entry, "object.id")), (event["file"]["uid"], event["file"]["name"]))
    for name, cell in unmapped.items():
        same(f"ocsf {name}", value(row, name), cell)

# ECS: values here, shape and names by Elastic's own types.
CATEGORIES = {
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "file": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
}
ecs = [json.loads(line) for line in lines("query.ecs")]
same("ecs records", len(rows), len(ecs))
typed = []
for row, event in zip(rows, ecs):
    entry = row["entry"]
    same("ecs time", entry["time"], event["@timestamp"])
    same("ecs raw", entry, json.loads(event["event"]["original"]))
    (category,), (kind,) = event["event"]["category"], event["event"]["type"]
    assert kind in CATEGORIES[category], (category, kind)
    assert event["event"]["outcome"] in {"success", "failure", "unknown"}
    same("ecs user", at(entry, "actor.id"), at(event, "user.id"))
    same("ecs name", row["name"], at(event, "user.name"))
    own = event.pop("gapvault")
    flat = own.pop("entry")
    flat.update({f"{group}.{name}": cell for group, fields in own.items() for name, cell in fields.items()})
    for name, cell in flat.items():
        same(f"ecs {name}", value(row, name), cell)
    typed.append(event)
source = 'import type { Ecs } from "@elastic/ecs";\nexport const events: Partial<Ecs>[] = '
(folder / "ecs.ts").write_text(source + json.dumps(typed, ensure_ascii=False) + ";\n", encoding="utf-8")

print(f"{len(rows)} entries, {checked} comparisons: ok")
