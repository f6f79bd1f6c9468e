package process

import (
	"bytes"
	"strings"
	"sync"
)

// tailBytes is how much of what a child printed is kept: the end, where the
// reasons are.
const tailBytes = 8 << 10

// lines keeps the end of a stream and passes on its whole lines.
type lines struct {
	log func(line string)

	mu   sync.Mutex // guards both; held over log
	kept []byte
	part []byte // of a line that has not ended
}

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p...)
	if over := len(l.kept) - tailBytes; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			break
		}
		if l.log != nil {
			l.log(string(line))
		}
		l.part = append([]byte(nil), rest...)
	}
	return len(p), nil
}

func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.kept))
}
