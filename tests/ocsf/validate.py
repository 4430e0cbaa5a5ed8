"""Validates events against the schema of the Open Cybersecurity Schema Framework 1.8.0.

    python validate.py EVENTS.jsonl

Prints the number of events per class and activity, and checks that the validator rejects broken events. Exits with 1 if an
event is invalid, or if an event broken on purpose is accepted.
"""

import collections
import copy
import json
import sys

import jsonschema
import ocsf_json_schema

VERSION = "1.8.0"


def validators(events):
    schema = ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(VERSION))
    found = {}
    for uid in {event["class_uid"] for event in events}:
        of_class = schema.get_class_schema(schema.lookup_class_name_from_uid(uid))
        jsonschema.Draft202012Validator.check_schema(of_class)
        found[uid] = jsonschema.Draft202012Validator(of_class)
    return found


def errors_of(event, by_class):
    """Returns the errors of an event: those of the schema, and numbers that contradict each other."""
    wrong = [f"{error.json_path}: {error.message}" for error in by_class[event["class_uid"]].iter_errors(event)]
    if event.get("type_uid") != event["class_uid"] * 100 + event.get("activity_id", -1):
        wrong.append("$.type_uid: does not match the class and the activity")
    if event.get("category_uid") != event["class_uid"] // 1000:
        wrong.append("$.category_uid: does not match the class")
    return wrong


def broken(event):
    """Yields copies of the event, each with one error."""
    required = ["category_uid", "activity_id", "type_uid", "time", "severity_id", "metadata", "class_uid"]
    required += {
        3002: ["user"],
        3004: ["entity"],
        3005: ["user", "privileges"],
        6003: ["actor", "api", "src_endpoint"],
    }[event["class_uid"]]
    for name in [name for name in required if name != "class_uid"]:
        without = copy.deepcopy(event)
        del without[name]
        yield f"without {name}", without
    for name, value in [("time", "2026-03-01"), ("activity_id", 98), ("severity_id", 42), ("unknown_field", 1), ("actor", {})]:
        yield f"{name} = {value!r}", {**copy.deepcopy(event), name: value}
    for name in ["version", "product"]:
        without = copy.deepcopy(event)
        del without["metadata"][name]
        yield f"without metadata.{name}", without


def main(path):
    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    if not events:
        print("no events")
        return 1
    by_class = validators(events)
    counts, bad = collections.Counter(), 0
    for number, event in enumerate(events, 1):
        counts[event["class_uid"], event["class_name"], event["activity_id"], event.get("type_name", event["activity_name"])] += 1
        for error in errors_of(event, by_class):
            bad += 1
            print(f"event {number}: {error}")
    for (class_uid, name, activity, called), count in sorted(counts.items()):
        print(f"{count:5} events of {class_uid} {name}, {activity} {called}")
    print(f"{len(events)} events, {bad} errors by OCSF {VERSION}")

    samples = {event["class_uid"]: event for event in events}
    trials = [(uid, what, event) for uid, sample in samples.items() for what, event in broken(sample)]
    passed = [(uid, what) for uid, what, event in trials if not errors_of(event, by_class)]
    for uid, what in passed:
        print(f"a broken event of {uid} is accepted: {what}")
    print(f"{len(trials) - len(passed)} of {len(trials)} broken events are rejected")
    return 1 if bad or passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
