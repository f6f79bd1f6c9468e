// Package manifest says which tables and logs of a database are alive.
//
// It keeps an immutable Version, the tree of slices that are live at one
// moment, and changes it by edits. Each Edit is a checked record in the file
// MANIFEST-NNNNNN, which the file CURRENT names; it counts once it was synced,
// and a crash leaves it wholly there or wholly absent. When the file has grown
// long it is rewritten as one edit that holds everything, and CURRENT switched.
//
// It promises that edits are numbered without gap, that file numbers are never
// handed out twice, that damage below what is proven durable is an error with
// file and offset, and that after one failed write, sync or rename nothing is
// written or deleted any more. It speaks metadata only: it knows nothing of how
// a table or a log looks inside, and deletes no file but obsolete manifests.
//
//	store, state, err := manifest.Open(dir, manifest.Options{Now: now, Random: random})
//	if errors.Is(err, manifest.ErrNoDatabase) {
//		store, state, err = manifest.Create(dir, manifest.Options{Now: now, Random: random})
//	}
//	number, err := store.NextFileNumber()
//	version, err := store.Apply(&manifest.Edit{Added: tables, LastSeq: 100})
package manifest
