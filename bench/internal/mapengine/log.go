package mapengine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// log is every change ever made, in a file, for engines that have a directory:
// opening them again replays it. An entry is a uvarint of the key's length, one
// of the value's length plus 1, or 0 for a deletion, and both.
type log struct {
	file    *os.File
	buffer  *bufio.Writer
	through bool // writes are not held back
}

// openLog opens the log in a directory and hands what is in it to replay.
func openLog(dir string, through bool, replay func(key, value []byte)) (*log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "map.log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for left := text; len(left) > 0; {
		var key, value []byte
		var ok bool
		if key, value, left, ok = cutEntry(left); !ok {
			return nil, errors.Join(fmt.Errorf("mapengine: %s is no log", f.Name()), f.Close())
		}
		replay(key, value)
	}
	return &log{file: f, buffer: bufio.NewWriter(f), through: through}, nil
}

func cutEntry(text []byte) (key, value, left []byte, ok bool) {
	keyLen, n := binary.Uvarint(text)
	valueLen, m := binary.Uvarint(text[max(n, 0):])
	if n <= 0 || m <= 0 || keyLen > uint64(len(text)) || valueLen > uint64(len(text)) {
		return nil, nil, nil, false
	}
	text = text[n+m:]
	if valueLen == 0 {
		if uint64(len(text)) < keyLen {
			return nil, nil, nil, false
		}
		return text[:keyLen], nil, text[keyLen:], true
	}
	if uint64(len(text)) < keyLen+valueLen-1 {
		return nil, nil, nil, false
	}
	end := keyLen + valueLen - 1
	return text[:keyLen], text[keyLen:end:end], text[end:], true
}

// append logs a change; a nil value is a deletion.
func (l *log) append(key, value []byte) error {
	if l == nil {
		return nil
	}
	valueLen := uint64(0)
	if value != nil {
		valueLen = uint64(len(value)) + 1
	}
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(key))), valueLen)
	if _, err := l.buffer.Write(bytes.Join([][]byte{head, key, value}, nil)); err != nil {
		return err
	}
	if l.through {
		return l.buffer.Flush()
	}
	return nil
}

// sync hands what is held back to the operating system: tests need no more.
func (l *log) sync() error {
	if l == nil {
		return nil
	}
	return l.buffer.Flush()
}

func (l *log) close() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.sync(), l.file.Close())
}
