package command

// Where an import reads, and where an export writes.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/varvekv/varve/cmd/varve/internal/console"
)

// source is an open file, or standard input.
type source struct {
	io.Reader
	name      string
	sizeBytes int64 // -1: not known
	file      *os.File
}

func openSource(ctx context.Context, c *console.Console, file string) (*source, error) {
	if file == "-" {
		return &source{Reader: interruptible(ctx, c.In), name: "standard input", sizeBytes: -1}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, &inputError{File: file, Err: reasonOf(err)}
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		return nil, errors.Join(&inputError{File: file, Err: reasonOf(err)}, f.Close())
	}
	s := &source{Reader: f, name: file, sizeBytes: -1, file: f}
	if info.Mode().IsRegular() {
		s.sizeBytes = info.Size()
	} else {
		s.Reader = interruptible(ctx, f) // a pipe, which may wait for ever
	}
	return s, nil
}

// Close closes what openSource opened.
func (s *source) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// counting moves a bar with what is read.
type counting struct {
	r   io.Reader
	bar *console.Bar
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.bar.Add(n)
	return n, err
}

// interruptible reads r up to its end or the end of ctx. A read from a terminal
// or a pipe cannot be called back: its goroutine is left to the end of the
// process, which an interrupt brings.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	pr, pw := io.Pipe()
	context.AfterFunc(ctx, func() { pr.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(pw, r)
		pw.CloseWithError(err) // nil is io.EOF
	}()
	return pr
}

// target is a file that appears whole, under its name, or not at all.
type target struct {
	*os.File
	name      string // under which it is to appear
	temporary bool
}

func createTarget(name string) (*target, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) // a pipe or a device stays what it is
		if err != nil {
			return nil, &inputError{File: name, Err: reasonOf(err)}
		}
		return &target{File: f, name: name}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, &inputError{File: name, Err: reasonOf(err)}
	}
	return &target{File: f, name: name, temporary: true}, nil
}

// commit makes the file durable under its name.
func (t *target) commit() error {
	if !t.temporary {
		return t.Close()
	}
	err := errors.Join(t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), t.name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", t.name, err), os.Remove(t.Name()))
	}
	return nil
}

// abandon leaves nothing behind.
func (t *target) abandon() error {
	err := t.Close()
	if t.temporary {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}
