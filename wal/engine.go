package wal

import (
	"context"

	"github.com/varvekv/varve/internal/recordio"
)

// FramedBytes is what a payload of n bytes takes in the log, frame headers included.
func FramedBytes(n int) int {
	frames := max(1, (n+recordio.MaxFrameBytes-1)/recordio.MaxFrameBytes)
	return n + frames*recordio.HeaderBytes
}

// Check reads and verifies every frame from Start to what has been written.
func (l *Log) Check(ctx context.Context) error {
	for _, err := range l.Records() {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
