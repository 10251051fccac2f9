// Checks an exported access log with Go's own packages for transparent logs, and nothing of gapvault's.
//
// Every entry is proven to be in the tree that the checkpoint signs, and the tree to have grown from every size that an
// older checkpoint of the log has. See README.txt beside this file.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder reads hash tiles as c2sp.org/tlog-tiles lays them out.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		// Go has the height in the path, and this layout has not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			full := tile
			full.W = 256
			path = strings.Replace(full.Path(), "tile/8/", "tile/", 1)
			if data, err = os.ReadFile(filepath.Join(string(f), path)); err == nil && len(data) >= tile.W*tlog.HashSize {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// entries reads the bundle with this number: each entry behind its length in two bytes.
func (f folder) entries(bundle, width int64) ([][]byte, error) {
	tile := tlog.Tile{H: 8, L: -1, N: bundle, W: int(width)}
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(string(f), path))
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s ends in the middle of an entry", path)
		}
		size := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+size {
			return nil, fmt.Errorf("%s ends in the middle of an entry", path)
		}
		out = append(out, data[2:2+size])
		data = data[2+size:]
	}
	if int64(len(out)) != width {
		return nil, fmt.Errorf("%s has %d entries and not %d", path, len(out), width)
	}
	return out, nil
}

// open verifies a checkpoint and gives its tree.
func open(text []byte, verifiers note.Verifiers) (tlog.Tree, string, error) {
	signed, err := note.Open(text, verifiers)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, "", fmt.Errorf("the checkpoint has not three lines")
	}
	if lines[0] != signed.Sigs[0].Name {
		return tlog.Tree{}, "", fmt.Errorf("the checkpoint is another log's")
	}
	var tree tlog.Tree
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil || fmt.Sprint(tree.N) != lines[1] {
		return tlog.Tree{}, "", fmt.Errorf("the size is no number")
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, lines[0], err
}

// older gives the checkpoints of a file of framed notes.
func older(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends in the middle of a checkpoint", path)
		}
		size := int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:2+size])
		data = data[2+size:]
	}
	return out, nil
}

func check(dir string, verifiers note.Verifiers) error {
	log := folder(dir)
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, origin, err := open(text, verifiers)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(tree, log)
	for start := int64(0); start < tree.N; start += 256 {
		width := tree.N - start
		if width > 256 {
			width = 256
		}
		entries, err := log.entries(start/256, width)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			at := start + int64(i)
			proof, err := tlog.ProveRecord(tree.N, at, hashes)
			if err != nil {
				return fmt.Errorf("entry %d: %w", at, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, at, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %w", at, err)
			}
		}
	}
	notes, err := older(filepath.Join(dir, "checkpoints"))
	if err != nil {
		return err
	}
	for i, text := range notes {
		old, _, err := open(text, verifiers)
		if err != nil {
			return fmt.Errorf("older checkpoint %d: %w", i, err)
		}
		if old.N == 0 || old.N > tree.N {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		if err != nil {
			return fmt.Errorf("older checkpoint %d: %w", i, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("older checkpoint %d: %w", i, err)
		}
	}
	fmt.Printf("%s: %d entries are what was signed, root %s; %d older checkpoints agree\n", origin, tree.N, tree.Hash, len(notes))
	return nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run check.go FOLDER-OF-THE-LOG LOG-KEY...")
		os.Exit(2)
	}
	var keys []note.Verifier
	for _, text := range os.Args[2:] {
		key, err := note.NewVerifier(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, text, err)
			os.Exit(2)
		}
		keys = append(keys, key)
	}
	if err := check(os.Args[1], note.VerifierList(keys...)); err != nil {
		fmt.Fprintln(os.Stderr, "NOT as it was signed:", err)
		os.Exit(1)
	}
}
