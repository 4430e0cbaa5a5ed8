"""Reads the sample log back from every format, with tools that others wrote, and compares it with the JSON Lines.

    python check.py FOLDER SCHEMA

FOLDER holds the outputs of the example `export_log`; SCHEMA is the JSON Schema of JSON Lines. Exits with 1 if anything
differs.
"""

import csv
import json
import logging
import pathlib
import re
import sys

import jsonschema
import pyarrow.parquet
import pycef

logging.disable(logging.WARNING)
differences = 0


def check(what, found, expected):
    global differences
    if found != expected:
        differences += 1
        if differences <= 20:
            print(f"{what}: found {found!r}, expected {expected!r}")


def lines(path):
    return path.read_bytes().decode("utf-8").split("\n")[:-1]


def label(principal):
    """Returns what a user interface shows for a principal."""
    identities = principal.get("identities", [])
    aliases = [one["alias"] for one in identities if "alias" in one]
    names = [alias if isinstance(alias, str) else alias["name"] for alias in aliases]
    ids = [one["id"] for one in identities if "id" in one]
    return ([principal["name"]] if "name" in principal else names or ids or ["unknown"])[0]


def unescaped(text):
    """Reads the notation of the crate for characters that a format has no escape for."""
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), text)


def json_lines(folder, schema):
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    validator.check_schema(validator.schema)
    for name in ["json_lines", "export_json_lines", "redacted_json_lines"]:
        documents = [json.loads(line) for line in lines(folder / name)]
        for number, document in enumerate(documents, 1):
            for error in validator.iter_errors(document):
                check(f"{name} line {number}, {error.json_path}", error.message, None)
        private = sum(document["decision"]["visibility"] == "private" for document in documents)
        print(f"{name}: {len(documents)} documents match the schema, {private} of them say only `private`")
    good = json.loads(lines(folder / "json_lines")[0])
    broken = [
        {**good, "version": 2},
        {**good, "more": 1},
        {key: value for key, value in good.items() if key != "id"},
        {**good, "decision": {"visibility": "private"}},
        {"version": 1, "decision": {"visibility": "private", "policy": 1}},
    ]
    rejected = sum(not validator.is_valid(document) for document in broken)
    check("broken documents that the schema rejects", rejected, len(broken))


def cef(folder, expected):
    """Compares fields that pycef reads. It removes no escapes, and does not read a header that has one."""
    compared = 0
    for line, activity in zip(lines(folder / "cef"), expected, strict=True):
        if re.search(r"[\\=]", line.split("externalId=")[0]):
            continue
        read = pycef.parse(line)
        value = lambda key: unescaped(re.sub(r"\\(.)", lambda c: {"n": "\n", "r": "\r"}.get(c[1], c[1]), read[key]))
        check("CEF vendor", read["DeviceVendor"], "activity-privacy")
        check("CEF class", unescaped(read["DeviceEventClassID"]), activity["action"])
        check("CEF externalId", value("externalId"), activity["id"])
        check("CEF suser", value("suser"), label(activity["actor"]))
        check("CEF destinationServiceName", value("destinationServiceName"), activity["app"]["name"])
        check("CEF suite", value("suite") if "suite" in read else None, activity["app"].get("suite"))
        objects = [re.sub(r"\\(.)", r"\1", item) for item in re.findall(r"(?:^|,)((?:\\.|[^,\\])*)", value("targetObjects"), re.S)] if "targetObjects" in read else []
        check("CEF targetObjects", objects, activity.get("objects", []))
        compared += 1
    print(f"CEF: pycef read {compared} of {len(expected)} events; it cannot read a header with an escape")


def table(folder, expected):
    """Compares CSV, read by Python, with the JSON Lines of the same export."""
    with open(folder / "csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    formulas = [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    check("cells that begin a formula", formulas, [])
    for row, activity in zip(rows, expected, strict=True):
        row = {key: cell.removeprefix("'") for key, cell in row.items()}
        decision = activity["decision"]
        check("CSV row", row, {
            "visibility": "public",
            "id": activity["id"],
            "occurred_at": activity["occurred_at"],
            "actor_kind": activity["actor"]["kind"],
            "actor": label(activity["actor"]),
            "actor_identities": compact(activity["actor"].get("identities", [])),
            "on_behalf_of": compact(activity.get("on_behalf_of", [])),
            "app": activity["app"]["name"],
            "suite": activity["app"].get("suite", ""),
            "action": activity["action"],
            "objects": compact(activity.get("objects", [])),
            "details": activity.get("details", ""),
            "decided_at": decision["decided_at"],
            "policy": str(decision["policy"]),
            "directory": str(decision["directory"]),
            "reasons": compact(decision["reasons"]),
        })
    with open(folder / "redacted_csv", encoding="utf-8", newline="") as file:
        redacted = list(csv.reader(file, strict=True))[1:]
    private = [row for row in redacted if row[0] == "private"]
    check("redacted CSV rows with content", [row for row in private if any(row[1:])], [])
    print(f"CSV: Python read {len(rows)} rows, and {len(private)} of {len(redacted)} redacted ones as `private` alone")


def compact(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    hazard = re.compile("[\x7f-\x9f\u2028\u2029]")
    return hazard.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def parquet(folder, expected):
    rows = pyarrow.parquet.read_table(folder / "parquet").to_pylist()
    for row, activity in zip(rows, expected, strict=True):
        check("Parquet id", row["id"], activity["id"])
        micros = lambda time: re.sub(r"(\.\d*)?Z$", lambda part: "." + (part[1] or ".")[1:].ljust(6, "0") + "Z", time)
        check("Parquet occurred_at", row["occurred_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"), micros(activity["occurred_at"]))
        check("Parquet actor", row["actor"], label(activity["actor"]))
        check("Parquet identities", json.loads(row["actor_identities"]), activity["actor"].get("identities", []))
        check("Parquet on_behalf_of", json.loads(row["on_behalf_of"]), activity.get("on_behalf_of", []))
        check("Parquet app", (row["app"], row["suite"]), (activity["app"]["name"], activity["app"].get("suite")))
        check("Parquet action", row["action"], activity["action"])
        check("Parquet objects", row["objects"], activity.get("objects", []))
        check("Parquet details", row["details"], activity.get("details"))
        check("Parquet revisions", (row["policy"], row["directory"]), (activity["decision"]["policy"], activity["decision"]["directory"]))
    redacted = pyarrow.parquet.read_table(folder / "redacted_parquet").to_pylist()
    private = [row for row in redacted if row["visibility"] == "private"]
    check("redacted Parquet rows with content", [row for row in private if any(value is not None for key, value in row.items() if key != "visibility")], [])
    print(f"Parquet: pyarrow read {len(rows)} rows, and {len(private)} of {len(redacted)} redacted ones as `private` alone")


def syslog(folder, formats):
    """Compares what rsyslog wrote with the lines that were sent to it."""
    for name in formats:
        received = lines(folder / f"received_{name}")
        sent = lines(folder / name)
        check(f"syslog with {name}: messages", len(received), len(sent))
        marks = sum(message.startswith("\ufeff") for message in received)
        for found, expected in zip(received, sent):
            check(f"syslog with {name}", found.removeprefix("\ufeff"), expected)
        print(f"syslog: rsyslog received {len(received)} messages in {name} unchanged, {marks} with a byte order mark")
    for header, line in zip(lines(folder / "received_headers"), lines(folder / "json_lines"), strict=True):
        activity = json.loads(line)
        at, host, app, process, message_id, data = header.split(" ", 5)
        check("syslog header", (host, app, process, message_id), ("log-1.contoso.example", "activity-privacy", "-", "activity"))
        check("syslog time", at[:19], activity["occurred_at"][:19])
        found = re.search(r'\[activity@32473 id="((?:\\.|[^"\\\]])*)"', data)
        check("syslog id", unescaped(re.sub(r'\\(["\\\]])', r"\1", found[1])), activity["id"])


def main(folder, schema):
    folder = pathlib.Path(folder)
    forwarded = [json.loads(line) for line in lines(folder / "json_lines")]
    exported = [json.loads(line) for line in lines(folder / "export_json_lines")]
    check("ids", sorted(one["id"] for one in forwarded), sorted(one["id"] for one in exported))
    json_lines(folder, pathlib.Path(schema))
    cef(folder, forwarded)
    table(folder, exported)
    parquet(folder, exported)
    syslog(folder, ["json_lines", "ocsf", "ecs", "cef", "leef"])
    print(f"{differences} differences")
    return 1 if differences or not forwarded else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
