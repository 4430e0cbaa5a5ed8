// Command ledger_go verifies a governance log exported by activity-privacy. It uses the packages with which the go command
// verifies the checksum database, golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog, and no code of
// activity-privacy.
//
// Usage: ledger_go DIRECTORY, where `verify_log --sample DIRECTORY` wrote the directory.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: ledger_go DIRECTORY")
	}
	directory := os.Args[1]
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(directory, name))
		check(err, name)
		return string(text)
	}

	verifier, err := note.NewVerifier(strings.TrimSpace(read("log.vkey")))
	check(err, "log.vkey")
	known := note.VerifierList(verifier)
	newer, older := open(read("checkpoint"), known), open(read("older-checkpoint"), known)
	fmt.Printf("signature: checkpoints of %d and %d records are signed by %s\n", newer.size, older.size, verifier.Name())

	leaves := readLog(filepath.Join(directory, "log.jsonl"))
	hashes := store(leaves)
	for _, checkpoint := range []tree{newer, older} {
		if int64(len(leaves)) < checkpoint.size {
			fail("the log has %d records, fewer than the %d of the checkpoint", len(leaves), checkpoint.size)
		}
		root, err := tlog.TreeHash(checkpoint.size, hashes)
		check(err, "root")
		if root != checkpoint.root {
			fail("the root over the first %d records is %v, not %v as in the checkpoint", checkpoint.size, root, checkpoint.root)
		}
		fmt.Printf("root: the first %d records of the file have the root %v\n", checkpoint.size, root)
	}

	index, path, within := readProof(read("record.tlog-proof"), known)
	err = tlog.CheckRecord(path, within.size, within.root, index, tlog.RecordHash([]byte(leaves[index])))
	check(err, "inclusion proof")
	fmt.Printf("inclusion: record %d is in the tree of %d records\n", index+1, within.size)

	err = tlog.CheckTree(tlog.TreeProof(parseHashes(read("older.consistency"))), newer.size, newer.root, older.size, older.root)
	check(err, "consistency proof")
	fmt.Printf("consistency: the log of %d records begins with the log of %d\n", newer.size, older.size)
}

type tree struct {
	size int64
	root tlog.Hash
}

// open verifies a signed checkpoint: origin, size, root.
func open(text string, known note.Verifiers) tree {
	opened, err := note.Open([]byte(text), known)
	check(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		fail("invalid checkpoint, expected origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "root")
	return tree{size, root}
}

type line struct {
	Entry    *string
	Openings map[string]struct{ Salt, Text string }
}

// readLog returns the leaves, and verifies their sequence numbers and the disclosed values.
func readLog(path string) []string {
	file, err := os.Open(path)
	check(err, "log")
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 8<<20)
	var leaves []string
	openings := 0
	for scanner.Scan() {
		number := int64(len(leaves)) + 1
		var parsed line
		check(json.Unmarshal(scanner.Bytes(), &parsed), fmt.Sprintf("line %d", number))
		if parsed.Entry == nil {
			fail("line %d is not a record", number)
		}
		var entry struct{ Sequence int64 }
		check(json.Unmarshal([]byte(*parsed.Entry), &entry), fmt.Sprintf("record %d", number))
		if entry.Sequence != number {
			fail("line %d contains record %d", number, entry.Sequence)
		}
		for commitment, opening := range parsed.Openings {
			digest := sha256.Sum256([]byte(opening.Salt + "\n" + opening.Text))
			// A salt with a line feed could contain lines of the text.
			if strings.Contains(opening.Salt, "\n") {
				fail("the salt in line %d contains a line feed", number)
			}
			committed := strings.Contains(*parsed.Entry, `{"sha256":"`+commitment+`"}`)
			if hex.EncodeToString(digest[:]) != commitment || !committed {
				fail("line %d discloses a value that matches no commitment", number)
			}
			openings++
		}
		leaves = append(leaves, *parsed.Entry)
	}
	check(scanner.Err(), "log")
	fmt.Printf("file: %d records in sequence, %d disclosed values\n", len(leaves), openings)
	return leaves
}

// store builds the tree leaf by leaf.
func store(leaves []string) tlog.HashReaderFunc {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(positions []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(positions))
		for i, position := range positions {
			hashes[i] = stored[position]
		}
		return hashes, nil
	})
	for n, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(n), []byte(leaf), reader)
		check(err, "tree")
		stored = append(stored, hashes...)
	}
	return reader
}

// readProof parses a file in the format c2sp.org/tlog-proof@v1.
func readProof(text string, known note.Verifiers) (int64, tlog.RecordProof, tree) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.SplitN(head, "\n", 3)
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail("invalid proof, expected the format c2sp.org/tlog-proof@v1")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	check(err, "index")
	var path []tlog.Hash
	if len(lines) == 3 {
		path = parseHashes(lines[2])
	}
	return index, path, open(checkpoint, known)
}

func parseHashes(text string) []tlog.Hash {
	var hashes []tlog.Hash
	for _, line := range strings.Fields(text) {
		hash, err := tlog.ParseHash(line)
		check(err, "hash")
		hashes = append(hashes, hash)
	}
	return hashes
}

func check(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

func fail(format string, values ...any) {
	fmt.Printf("verification failed: "+format+"\n", values...)
	os.Exit(1)
}
