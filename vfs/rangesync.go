package vfs

// SyncWriter is a File that can write a range and make just that range durable
// (RWF_DSYNC), with the metadata needed to read it back.
type SyncWriter interface {
	WriteAtSync(p []byte, off int64) (n int, err error)
}

// WriteAtSync writes p at off and returns when p is durable. Bytes written to
// the file before may stay volatile: where their order matters, all below must
// be durable already. A File without SyncWriter is written, then wholly synced.
func WriteAtSync(f File, p []byte, off int64) (int, error) {
	if w, ok := f.(SyncWriter); ok {
		return w.WriteAtSync(p, off)
	}
	n, err := f.WriteAt(p, off)
	if err != nil {
		return n, err
	}
	return n, f.SyncData()
}
