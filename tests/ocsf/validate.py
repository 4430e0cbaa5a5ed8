"""Holds events to the schema of the Open Cybersecurity Schema Framework 1.8.0.

    python validate.py EVENTS.jsonl

Says how many events of which class and activity there are, and that broken ones are refused: ends with 1 when an event does
not conform, or when one that was broken on purpose does.
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


def faults(event, by_class):
    """What is wrong with an event: by the schema, and where the schema leaves numbers to agree with one another."""
    wrong = [f"{error.json_path}: {error.message}" for error in by_class[event["class_uid"]].iter_errors(event)]
    if event.get("type_uid") != event["class_uid"] * 100 + event.get("activity_id", -1):
        wrong.append("$.type_uid: not the class and the activity")
    if event.get("category_uid") != event["class_uid"] // 1000:
        wrong.append("$.category_uid: not that of the class")
    return wrong


def broken(event):
    """The event with one thing wrong, for each thing that can be."""
    required = ["category_uid", "activity_id", "type_uid", "time", "severity_id", "metadata", "class_uid"]
    required += ["entity"] if event["class_uid"] == 3004 else ["user", "privileges"]
    for name in [name for name in required if name != "class_uid"]:
        without = copy.deepcopy(event)
        del without[name]
        yield f"without {name}", without
    for name, value in [("time", "2026-03-01"), ("activity_id", 98), ("severity_id", 42), ("sneaked_in", 1), ("actor", {})]:
        yield f"{name} = {value!r}", {**copy.deepcopy(event), name: value}
    for name in ["version", "product"]:
        without = copy.deepcopy(event)
        del without["metadata"][name]
        yield f"without metadata.{name}", without


def main(path):
    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    if not events:
        print("there are no events")
        return 1
    by_class = validators(events)
    counts, bad = collections.Counter(), 0
    for number, event in enumerate(events, 1):
        counts[event["class_uid"], event["class_name"], event["activity_id"], event["activity_name"]] += 1
        for fault in faults(event, by_class):
            bad += 1
            print(f"event {number}: {fault}")
    for (class_uid, name, activity, called), count in sorted(counts.items()):
        print(f"{count:5} events of {class_uid} {name}, {activity} {called}")
    print(f"{len(events)} events, {bad} faults by OCSF {VERSION}")

    samples = {event["class_uid"]: event for event in events}
    trials = [(uid, what, event) for uid, sample in samples.items() for what, event in broken(sample)]
    passed = [(uid, what) for uid, what, event in trials if not faults(event, by_class)]
    for uid, what in passed:
        print(f"a broken event of {uid} is not refused: {what}")
    print(f"{len(trials) - len(passed)} of {len(trials)} broken events are refused")
    return 1 if bad or passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
