// Checks events against the fields of the Elastic Common Schema, as its package lists them.
//
//     node ecs.cjs EVENTS.jsonl
//
// Each field must be in the schema, with its type, and with one of its allowed values if it has some. Fields of others
// begin with a capital letter. Exits with 1 if an event is invalid, or if an event broken on purpose is accepted.
"use strict";

const fs = require("node:fs");
const { EcsFlat } = require("@elastic/ecs");

const VERSION = "9.4.0";
const REQUIRED = ["@timestamp", "ecs.version", "event.kind", "event.category", "event.type"];

const isDate = (value) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(value) && !Number.isNaN(Date.parse(value));
const TYPES = {
    keyword: (value) => typeof value === "string",
    match_only_text: (value) => typeof value === "string",
    wildcard: (value) => typeof value === "string",
    constant_keyword: (value) => typeof value === "string",
    date: isDate,
    long: Number.isInteger,
    boolean: (value) => typeof value === "boolean",
};

function* leaves(value, path) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
        for (const [key, inner] of Object.entries(value)) {
            yield* leaves(inner, path ? `${path}.${key}` : key);
        }
    } else {
        yield [path, value];
    }
}

function errorsOf(event) {
    const errors = [];
    const present = new Set();
    for (const [path, value] of leaves(event, "")) {
        present.add(path);
        if (/^[A-Z]/.test(path)) continue;
        const field = EcsFlat[path];
        if (!field) {
            errors.push(`${path} is no field of the schema`);
            continue;
        }
        const isArray = (field.normalize ?? []).includes("array");
        if (Array.isArray(value) !== isArray) {
            errors.push(`${path} ${isArray ? "must be" : "must not be"} an array`);
            continue;
        }
        for (const one of isArray ? value : [value]) {
            if (!TYPES[field.type]?.(one)) errors.push(`${path}: ${JSON.stringify(one)} is no ${field.type}`);
            const allowed = (field.allowed_values ?? []).map((of) => of.name);
            if (allowed.length > 0 && !allowed.includes(one)) errors.push(`${path}: ${JSON.stringify(one)} is not allowed`);
        }
    }
    for (const path of REQUIRED) if (!present.has(path)) errors.push(`${path} is missing`);
    for (const category of event.event?.category ?? []) {
        const allowed = EcsFlat["event.category"].allowed_values.find((of) => of.name === category)?.expected_event_types ?? [];
        for (const type of event.event?.type ?? []) {
            if (!allowed.includes(type)) errors.push(`event.type: ${type} is not expected with ${category}`);
        }
    }
    if (event.ecs?.version !== VERSION) errors.push(`ecs.version is not ${VERSION}`);
    return errors;
}

/** Returns copies of an event, each with one error. */
function broken(event) {
    const changed = (change) => {
        const copy = structuredClone(event);
        change(copy);
        return copy;
    };
    return [
        changed((of) => delete of["@timestamp"]),
        changed((of) => (of["@timestamp"] = 1772357400250)),
        changed((of) => (of.event.category = ["files"])),
        changed((of) => (of.event.type = "access")),
        changed((of) => (of.event.type = ["creation", "allowed", "group"])),
        changed((of) => (of.user.nickname = "adele")),
        changed((of) => (of.user.id = 7)),
        changed((of) => (of.ecs.version = "8.0.0")),
        changed((of) => (of.activity = { id: "a" })),
    ];
}

const events = fs.readFileSync(process.argv[2], "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
let bad = 0;
const kinds = new Map();
events.forEach((event, number) => {
    const kind = `${event.event.category} ${event.event.type}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    for (const error of errorsOf(event)) {
        bad += 1;
        console.log(`event ${number + 1}: ${error}`);
    }
});
for (const [kind, count] of [...kinds].sort()) console.log(`${String(count).padStart(5)} events: ${kind}`);
const trials = broken(events[0]);
const accepted = trials.filter((event) => errorsOf(event).length === 0).length;
console.log(`${events.length} events, ${bad} errors by ECS ${VERSION} (${Object.keys(EcsFlat).length} fields)`);
console.log(`${trials.length - accepted} of ${trials.length} broken events are rejected`);
process.exitCode = bad > 0 || accepted > 0 || events.length === 0 ? 1 : 0;
