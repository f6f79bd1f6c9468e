// Package sstable is one immutable sorted table file: write it, open it, search
// it, walk it, describe it, check it.
//
//	┌──────────────┬─────┬──────────────┬────────┬───────┬────────────┬────────┐
//	│ data block 0 │  …  │ data block n │ filter │ index │ properties │ footer │
//	└──────────────┴─────┴──────────────┴────────┴───────┴────────────┴────────┘
//
// Data blocks hold versioned keys in ikey order (block.go); the filter says
// which user keys are surely absent (filter.go); the index has an upper bound
// for each block (index.go); properties describe the whole (properties.go); the
// footer says where all of it is (footer.go). Each block ends in a checksum
// bound to the file's identity and the block's offset (format.go).
//
// It promises that every byte read from the file was verified before use, that
// no bytes in a file make it panic, hang or allocate more than a constant times
// the file's length, and that damage is an error matching corruption.Err, never
// a missing key. It never deletes, renames or syncs a file, never decides where
// one table ends and the next begins, and knows nothing of levels.
//
//	w := sstable.NewWriter(f, sstable.WriterOptions{Identity: id})
//	err := w.Add(ikey.Make(user, seq, ikey.KindPut), value) // in ascending order
//	props, err := w.Finish()                                // then sync f and its directory
//
//	r, err := sstable.Open(f, sstable.ReaderOptions{Cache: c, Identity: id})
//	trailer, value, ok, err := r.Get(user, hash.Sum(user), seq, &scratch)
package sstable
