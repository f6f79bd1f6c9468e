//go:build !rocksdb

package peer

// rocksdbPeers is empty without the build tag rocksdb: the engine is in C++ and
// must be installed.
func rocksdbPeers() []Peer { return nil }
