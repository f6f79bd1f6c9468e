//go:build !linux

package vfs

// syncData has no cheaper form than a whole sync here: F_FULLFSYNC on darwin,
// FlushFileBuffers on windows, fsync elsewhere, which is what os.File.Sync does.
func syncData(f *osFile) error { return f.f.Sync() }

// startWriteback has no counterpart here; it promises nothing anyway.
func startWriteback(*osFile, int64, int64) error { return nil }

// writeAtSync has no range form here.
func writeAtSync(f *osFile, p []byte, off int64) (int, error) { return writeThenSync(f, p, off) }
