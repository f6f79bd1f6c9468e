package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/varvekv/varve/internal/corruption"
	"github.com/varvekv/varve/internal/crc"
	"github.com/varvekv/varve/internal/filename"
	"github.com/varvekv/varve/vfs"
)

// CURRENT names the live manifest. It is text, and written in one way only, so
// that reading is: write what it must say, and compare.
//
//	varve current 1
//	MANIFEST-000007
//	identity 0123456789abcdef
//	crc32c 89abcdef
//
// identity is the manifest file's own; the checksum covers the lines above it.
// It changes only by rename, so that any damage to it is corruption.
const (
	currentVersion  = 1
	currentBytesMax = 256
	currentWord     = "varve current "
)

type current struct {
	number   uint64 // of the manifest file
	identity uint64 // of the manifest file
}

func (c current) encode() []byte {
	return sealCurrent(currentVersion, fmt.Sprintf("%s\nidentity %016x\n",
		filename.Make(filename.Manifest, c.number), c.identity))
}

func sealCurrent(version int, body string) []byte {
	text := fmt.Sprintf("%s%d\n%s", currentWord, version, body)
	return fmt.Appendf([]byte(text), "crc32c %08x\n", crc.Sum([]byte(text)))
}

func decodeCurrent(p []byte) (current, error) {
	const sumLine = len("crc32c 01234567\n")
	if !bytes.HasPrefix(p, []byte(currentWord)) || len(p) < sumLine {
		return current{}, corruption.New(filename.CurrentName, 0, "not a varve database: it begins with %q", p[:min(len(p), 32)])
	}
	text, sum := p[:len(p)-sumLine], p[len(p)-sumLine:]
	if want := fmt.Sprintf("crc32c %08x\n", crc.Sum(text)); want != string(sum) {
		return current{}, corruption.New(filename.CurrentName, int64(len(text)), "checksum mismatch")
	}
	version, _, _ := bytes.Cut(text[len(currentWord):], []byte("\n"))
	if string(version) != fmt.Sprint(currentVersion) {
		return current{}, unsupported(filename.CurrentName, -1, "format version %q, known is %d", version, currentVersion)
	}
	return parseCurrent(p)
}

// parseCurrent REQUIRES: the checksum was verified.
func parseCurrent(p []byte) (c current, err error) {
	lines := bytes.Split(p, []byte("\n"))
	if len(lines) == 5 {
		var kind filename.Kind
		kind, c.number = filename.Parse(string(lines[1]))
		_, err = fmt.Sscanf(string(lines[2]), "identity %x", &c.identity)
		if kind == filename.Manifest && err == nil && bytes.Equal(c.encode(), p) {
			return c, nil
		}
	}
	return current{}, corruption.New(filename.CurrentName, 0, "names no manifest: %q", p)
}

// readCurrent reads CURRENT; a missing one is fs.ErrNotExist.
func readCurrent(d vfs.Dir) (current, error) {
	f, err := d.Open(filename.CurrentName)
	if err != nil {
		return current{}, fmt.Errorf("manifest: open %s: %w", filename.CurrentName, err)
	}
	p, err := readStart(f, currentBytesMax)
	if err = errors.Join(err, f.Close()); err != nil {
		return current{}, fmt.Errorf("manifest: read %s: %w", filename.CurrentName, err)
	}
	return decodeCurrent(p)
}

// readStart reads up to limit bytes from the start of a file.
func readStart(f vfs.File, limit int) ([]byte, error) {
	p := make([]byte, limit)
	n, err := f.ReadAt(p, 0)
	if err == io.EOF {
		err = nil
	}
	return p[:n], err
}

// switchCurrent makes CURRENT name another manifest: after a crash it names the
// old one or the new one. REQUIRES: the manifest and its directory entry were
// synced. The order of steps is the proof (I11).
func switchCurrent(d vfs.Dir, c current) error {
	temp := filename.MakeTemp(filename.CurrentName)
	if err := d.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("manifest: remove stale %s: %w", temp, err)
	}
	if err := writeSynced(d, temp, c.encode()); err != nil {
		return err
	}
	if err := d.Rename(temp, filename.CurrentName); err != nil {
		return fmt.Errorf("manifest: rename %s to %s: %w", temp, filename.CurrentName, err)
	}
	if err := d.Sync(); err != nil {
		return fmt.Errorf("manifest: sync directory after the switch of %s: %w", filename.CurrentName, err)
	}
	return nil
}

func writeSynced(d vfs.Dir, name string, p []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return fmt.Errorf("manifest: create %s: %w", name, err)
	}
	if _, err = f.WriteAt(p, 0); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("manifest: write %s: %w", name, err)
	}
	return nil
}
