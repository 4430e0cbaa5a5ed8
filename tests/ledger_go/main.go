// Command ledger_go verifies a governance log that was exported by activity-privacy, with the packages by which the go
// command verifies the checksum database: golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog. Nothing of
// activity-privacy is used.
//
// Usage: ledger_go FOLDER, where the folder is one that `verify_log --sample FOLDER` wrote.
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
		fail("usage: ledger_go FOLDER")
	}
	folder := os.Args[1]
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		check(err, name)
		return string(text)
	}

	verifier, err := note.NewVerifier(strings.TrimSpace(read("log.vkey")))
	check(err, "log.vkey")
	known := note.VerifierList(verifier)
	newer, older := open(read("checkpoint"), known), open(read("older-checkpoint"), known)
	fmt.Printf("signature: checkpoints of %d and %d records are signed by %s\n", newer.size, older.size, verifier.Name())

	leaves := readLog(filepath.Join(folder, "log.jsonl"))
	hashes := store(leaves)
	for _, checkpoint := range []tree{newer, older} {
		if int64(len(leaves)) < checkpoint.size {
			fail("the log has %d records, the checkpoint counts %d", len(leaves), checkpoint.size)
		}
		root, err := tlog.TreeHash(checkpoint.size, hashes)
		check(err, "root")
		if root != checkpoint.root {
			fail("the root over the first %d records is %v, the checkpoint says %v", checkpoint.size, root, checkpoint.root)
		}
		fmt.Printf("root: the first %d records of the file lead to %v\n", checkpoint.size, root)
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
		fail("the checkpoint is not of the form origin, size, root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "root")
	return tree{size, root}
}

type line struct {
	Entry    *string
	Disclosure map[string]struct{ Salt, Text string }
}

// readLog gives the leaves, and makes sure that they are in sequence and that what is opened is what was committed to.
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
			fail("line %d is no record", number)
		}
		var entry struct{ Sequence int64 }
		check(json.Unmarshal([]byte(*parsed.Entry), &entry), fmt.Sprintf("record %d", number))
		if entry.Sequence != number {
			fail("line %d holds record %d", number, entry.Sequence)
		}
		for commitment, opening := range parsed.Disclosure {
			digest := sha256.Sum256([]byte(opening.Salt + "\n" + opening.Text))
			// A salt of one line, or it could take in lines of the text.
			if strings.Contains(opening.Salt, "\n") {
				fail("line %d has a salt of several lines", number)
			}
			stands := strings.Contains(*parsed.Entry, `{"sha256":"`+commitment+`"}`)
			if hex.EncodeToString(digest[:]) != commitment || !stands {
				fail("line %d opens what was not committed to", number)
			}
			openings++
		}
		leaves = append(leaves, *parsed.Entry)
	}
	check(scanner.Err(), "log")
	fmt.Printf("file: %d records in sequence, %d sealed values opened\n", len(leaves), openings)
	return leaves
}

// store builds the tree leaf by leaf.
func store(leaves []string) tlog.HashReaderFunc {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(places))
		for i, place := range places {
			hashes[i] = stored[place]
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

// readProof reads a file of the form c2sp.org/tlog-proof@v1.
func readProof(text string, known note.Verifiers) (int64, tlog.RecordProof, tree) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.SplitN(head, "\n", 3)
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail("the proof is not of the form c2sp.org/tlog-proof@v1")
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
	fmt.Printf("does not hold: "+format+"\n", values...)
	os.Exit(1)
}
