//go:build !lmdb

package peer

// lmdbPeers is empty without the build tag lmdb: the engine is in C.
func lmdbPeers() []Peer { return nil }
